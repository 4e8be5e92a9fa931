//! Recorded certificates: the pinned roots against AMD's files, the extension encodings, the
//! certificate table, and chains in the wrong company.
#![cfg(test)]

mod support;

use avouch_snp::ghcb::{CertificateTable, Guid};
use avouch_snp::{Chain, Crls, Product, TrustAnchors, VekKind, verify_chain, verify_intermediate};
use avouch_wire::FailedCheck as _;
use support::{appraise, at, case, evidence, moment, read, text, vectors};

const NOW: &str = "2026-11-21T17:00:00Z";
const CHAINS: [(&str, Product, VekKind); 6] = [
    ("roots/milan_ask_ark.pem", Product::Milan, VekKind::Vcek),
    ("roots/milan_asvk_ark.pem", Product::Milan, VekKind::Vlek),
    ("roots/genoa_ask_ark.pem", Product::Genoa, VekKind::Vcek),
    ("roots/genoa_asvk_ark.pem", Product::Genoa, VekKind::Vlek),
    ("roots/turin_ask_ark.pem", Product::Turin, VekKind::Vcek),
    ("roots/turin_asvk_ark.pem", Product::Turin, VekKind::Vlek),
];

#[test]
fn pinned_keys_are_those_of_amds_published_files() {
    if vectors().is_none() {
        return;
    }
    let anchors = TrustAnchors::amd();
    for (path, product, kind) in CHAINS {
        let chain = Chain::parse(&[read(path)]).unwrap();
        let (root, intermediate) = (&chain.roots()[0], chain.intermediates()[0]);
        let known = anchors.anchors().find(|known| known.product() == product).unwrap();
        avouch_pki::verify_anchor_copy(root, known.trust()).unwrap();
        let pinned = anchors
            .intermediates()
            .find(|known| *known.fingerprint_sha256() == intermediate.fingerprint_sha256())
            .unwrap();
        assert_eq!(pinned.issues(), kind);
        assert_eq!(pinned.product(), product);
        assert_eq!(pinned.serial(), intermediate.serial(), "{path}");
        assert_eq!(pinned.window(), intermediate.validity(), "{path}");
        assert_eq!(pinned.issuer_name(), intermediate.subject(), "{path}");
    }
}

#[test]
fn intermediates_verify_under_the_pinned_roots_alone() {
    if vectors().is_none() {
        return;
    }
    for (path, product, kind) in CHAINS {
        let chain = Chain::parse(&[read(path)]).unwrap();
        // Roots without the pinned intermediates, as an operator would add them.
        let anchors = TrustAnchors::none().with_root(&chain.roots()[0]).unwrap();
        let verified =
            verify_intermediate(chain.intermediates()[0], &anchors, moment(NOW)).unwrap();
        assert_eq!((verified.product(), verified.issues()), (product, kind));
        let mut altered = chain.intermediates()[0].der().to_vec();
        *altered.last_mut().unwrap() ^= 1;
        let altered = avouch_pki::Certificate::parse(&altered).unwrap();
        let error = verify_intermediate(&altered, &anchors, moment(NOW)).unwrap_err();
        assert_eq!(error.check(), "intermediate-signature");
    }
}

#[test]
fn accepts_a_turin_key_without_spl_4_and_with_a_short_hardware_id() {
    if vectors().is_none() {
        return;
    }
    let chain = Chain::parse(&[read("raw/turin-vcek-zero-spl.der")]).unwrap();
    let key = verify_chain(&chain, &TrustAnchors::amd(), &Crls::none(), moment(NOW)).unwrap();
    assert_eq!(key.extensions().hardware_id().map(<[u8]>::len), Some(8));
    assert_eq!(key.extensions().certified_tcb().0, [0, 0, 0, 0, 0, 0, 0, 9]);
}

#[test]
fn reads_the_certificate_table_of_an_extended_report() {
    if vectors().is_none() {
        return;
    }
    let case = case("genoa-v3-tsm");
    let bytes = read("raw/genoa-v3-tsm/cert-table.bin");
    let table = CertificateTable::parse(&bytes).unwrap();
    let guids: Vec<Guid> = table.entries().iter().map(|entry| entry.guid).collect();
    assert_eq!(guids, [Guid::ARK, Guid::ASK, Guid::VCEK]);
    let chain = Chain::parse_sent(&table.certificates(), &TrustAnchors::amd()).unwrap();
    let report = read("raw/genoa-v3-tsm/report.bin");
    let report = avouch_snp::Report::parse(&report).unwrap();
    let key = verify_chain(&chain, &TrustAnchors::amd(), &Crls::none(), at(&case)).unwrap();
    avouch_snp::verify_report(&report, &key, &Crls::none(), at(&case)).unwrap();
}

#[test]
fn refuses_a_report_with_the_key_of_another_product_kind_or_chip() {
    if vectors().is_none() {
        return;
    }
    let milan = "raw/milan-v3-aci/vek.pem";
    for (report, key, judged_at, check) in [
        ("turin-v5-aci", milan, NOW, "product-mismatch"),
        ("genoa-v5-siena", milan, NOW, "product-mismatch"),
        ("milan-v3-vlek-aws", milan, NOW, "signing-key-mismatch"),
        (
            "milan-v3-aci",
            "raw/milan-v3-vlek-aws/vek.der",
            "2025-06-01T00:00:00Z",
            "signing-key-mismatch",
        ),
        ("milan-v2-debug", milan, NOW, "report-signature"),
        ("milan-v2-debug", "raw/turin-v5-aci/vek.pem", NOW, "report-signature"),
    ] {
        let report = evidence(&case(report)).report;
        let error = appraise(&report, &[read(key)], moment(judged_at)).unwrap_err();
        assert_eq!(error.check(), check, "{key}: {error}");
    }
}

#[test]
fn refuses_a_key_outside_of_its_validity() {
    if vectors().is_none() {
        return;
    }
    let vlek = case("milan-v3-vlek-aws");
    let evidence = evidence(&vlek);
    for (judged_at, check) in [
        (text(&vlek["vek_not_after"]), None),
        (text(&vlek["vek_not_before"]), None),
        ("2025-12-10T22:14:22Z", Some("vek-expired")),
        ("2024-12-10T22:14:20Z", Some("vek-not-yet-valid")),
        (NOW, Some("vek-expired")),
    ] {
        let outcome = appraise(&evidence.report, &evidence.chain, moment(judged_at));
        assert_eq!(outcome.err().map(|error| error.check()), check, "{judged_at}");
    }
}

#[test]
fn finds_the_key_of_a_report_among_many_in_any_order() {
    if vectors().is_none() {
        return;
    }
    let cases = ["milan-v3-aci", "turin-v5-aci", "genoa-v5-siena", "genoa-v3-tsm"].map(case);
    let mut parts: Vec<Vec<u8>> = CHAINS.iter().rev().map(|(path, ..)| read(path)).collect();
    parts.extend(cases.iter().map(|case| evidence(case).chain.remove(0)));
    let all = Chain::parse(&parts).unwrap();
    assert_eq!(all.leaf().unwrap_err().check(), "chain-leaf-count");
    for case in &cases {
        let report = avouch_snp::Report::parse(&evidence(case).report).unwrap();
        let chain = all.clone().for_report(&report).unwrap();
        let key = verify_chain(&chain, &TrustAnchors::amd(), &Crls::none(), at(case)).unwrap();
        avouch_snp::verify_report(&report, &key, &Crls::none(), at(case)).unwrap();
    }
}
