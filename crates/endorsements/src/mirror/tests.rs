#![cfg(test)]

use std::time::Duration;

use avouch_dcap::{Collateral, TeeType};
use avouch_mint::{Minted, Options, mint};
use avouch_pki::pem;
use avouch_snp::{Product, RawTcb, VekKind};
use avouch_wire::{EvidenceKind, Hex, UnixTime, encode_hex};
use percent_encoding::percent_decode_str;

use super::{MirrorPath, MirrorRefusal, MirrorScope, NameRule};
use crate::{EndorsementName, Published};

const HOUR: Duration = Duration::from_secs(3600);

fn at() -> UnixTime {
    UnixTime::from_rfc3339("2026-05-01T12:00:00Z").unwrap()
}

fn asked(path: &MirrorPath, query: &str) -> String {
    match path.request(Some(query)) {
        Ok(request) => request.name.to_string(),
        Err(MirrorRefusal::Query(why)) => format!("400 {why}"),
        Err(MirrorRefusal::NotServed(why)) => format!("404 {why}"),
    }
}

fn is_bad(path: &MirrorPath, query: &str) -> bool {
    matches!(path.request(Some(query)), Err(MirrorRefusal::Query(_)))
}

#[test]
fn a_tcb_info_is_asked_for_by_fmspc_in_any_case_and_by_one_way_of_choosing_the_evaluation() {
    let (sgx, tdx) = (MirrorPath::TcbInfo(TeeType::Sgx), MirrorPath::TcbInfo(TeeType::Tdx));
    let name = |rest: &str| format!("intel/sgx/tcb-info/00606a000000/{rest}");
    assert_eq!(asked(&sgx, "fmspc=00606A000000"), name("standard"));
    assert_eq!(asked(&sgx, "fmspc=00606a000000&update=STANDARD"), name("standard"));
    assert_eq!(
        asked(&sgx, "update=Early&fmspc=%3000606a000000"),
        "400 fmspc has to be 12 hex digits."
    );
    assert_eq!(asked(&sgx, "update=Early&FMSPC=%300606a000000&clientid=x&x"), name("early"));
    assert_eq!(asked(&sgx, "fmspc=00606A000000&tcbEvaluationDataNumber=17"), name("17"));
    assert_eq!(asked(&tdx, "fmspc=00606A000000&fmspc=zz"), name("standard").replace("sgx", "tdx"));
    for refused in [
        "",
        "fmspc=",
        "fmspc",
        "fmspc=00606A0000",
        "fmspc=00606A00000000",
        "fmspc=%ff0606A000000",
        "fmspc=zz&fmspc=00606A000000",
        "fmspc=00606A000000&update=",
        "fmspc=00606A000000&update=late",
        "fmspc=00606A000000&update=standard&tcbEvaluationDataNumber=17",
        "fmspc=00606A000000&tcbEvaluationDataNumber=+17",
        "fmspc=00606A000000&tcbEvaluationDataNumber=-1",
        "fmspc=00606A000000&tcbEvaluationDataNumber=4294967296",
        "fmspc=00606A000000&tcbEvaluationDataNumber=",
    ] {
        assert!(is_bad(&sgx, refused), "{refused}");
    }
}

#[test]
fn tcb_info_of_version_3_is_not_served_and_the_reason_is_told() {
    assert!(
        asked(&MirrorPath::TcbInfoOfV3, "fmspc=00606A000000").starts_with("404 TCB info of API")
    );
}

#[test]
fn crls_are_asked_for_by_ca_or_by_the_address_in_a_certificate_which_is_only_a_name() {
    assert_eq!(asked(&MirrorPath::PckCrl, "ca=Platform&encoding=DER"), "intel/pck-crl/platform");
    assert_eq!(asked(&MirrorPath::PckCrl, "ca=processor"), "intel/pck-crl/processor");
    for refused in ["", "ca=", "ca=root", "ca=platform&encoding=hex", "ca=platform&encoding="] {
        assert!(is_bad(&MirrorPath::PckCrl, refused), "{refused}");
    }
    assert_eq!(asked(&MirrorPath::RootCaCrl, ""), "intel/root-ca-crl");

    // By its address it is asked for as at a PCCS, and as at Azure's cache.
    for path in [MirrorPath::CrlOfAddress, MirrorPath::PckCrl] {
        a_crl_is_asked_for_by_its_address_in_a_certificate(&path);
    }
    assert_eq!(asked(&MirrorPath::PckCrl, "uri=x&ca=platform"), "intel/pck-crl/platform");
}

fn a_crl_is_asked_for_by_its_address_in_a_certificate(path: &MirrorPath) {
    let by_address = |address: &str| asked(path, &format!("uri={address}"));
    let root = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";
    assert_eq!(by_address(root), "intel/root-ca-crl");
    assert_eq!(by_address(&root.replace("://", "%3A%2F%2F")), "intel/root-ca-crl");
    let api = "https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl?ca=platform";
    assert_eq!(by_address(api), "intel/pck-crl/platform");
    assert_eq!(by_address(&format!("{api}%26encoding%3Dder")), "intel/pck-crl/platform");
    for refused in [
        "",
        "https://certificates.trustedservices.intel.com/IntelSGXRootCA.exe",
        "http://certificates.trustedservices.intel.com/IntelSGXRootCA.der",
        "https://certificates.trustedservices.intel.com.example/IntelSGXRootCA.der",
        "https://example/?https://certificates.trustedservices.intel.com/IntelSGXRootCA.der",
        "https://api.trustedservices.intel.com/sgx/certification/v5/pckcrl?ca=platform",
        "https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl?ca=other",
        "https://api.trustedservices.intel.com/sgx/certification/v4/pckcrl",
        "file:///etc/passwd",
    ] {
        assert!(is_bad(path, &format!("uri={refused}")), "{refused}");
    }
}

#[test]
fn a_vcek_is_asked_for_by_the_levels_of_its_product_every_one_of_them() {
    let chip = "ab".repeat(64);
    let milan = MirrorPath::Vcek(Product::Milan, chip.to_uppercase());
    let levels = "blSPL=03&teeSPL=0&snpSPL=8&ucodeSPL=115";
    assert_eq!(asked(&milan, levels), format!("amd/milan/vcek/{chip}/0300000000000873"));
    let turin = MirrorPath::Vcek(Product::Turin, "ab".repeat(8));
    let padded = format!("{}{}", "ab".repeat(8), "00".repeat(56));
    assert_eq!(
        asked(&turin, &format!("fmcSPL=1&{levels}")),
        format!("amd/turin/vcek/{padded}/0103000800000073")
    );
    for (path, refused) in [
        (&milan, "blSPL=03&teeSPL=0&snpSPL=8".to_owned()),
        (&milan, levels.replace("115", "256")),
        (&milan, levels.replace("115", "+1")),
        (&milan, levels.replace("115", "0x1")),
        (&milan, format!("{levels}&fmcSPL=0")),
        (&turin, levels.to_owned()),
        (&MirrorPath::Vcek(Product::Milan, "ab".repeat(8)), levels.to_owned()),
        (&MirrorPath::Vcek(Product::Turin, chip), format!("fmcSPL=1&{levels}")),
        (&MirrorPath::Vcek(Product::Milan, "zz".repeat(64)), levels.to_owned()),
    ] {
        assert!(is_bad(path, &refused), "{path:?} {refused}");
    }
    let nobody = MirrorPath::Vcek(Product::Milan, "00".repeat(64));
    assert_eq!(asked(&nobody, levels), "404 No chip has a hardware id of zeros.");
}

#[test]
fn the_bytes_of_a_tcb_are_the_reverse_of_its_parts() {
    for product in Product::ALL {
        let all = RawTcb([1, 2, 3, 4, 5, 6, 7, 8]);
        let raw = all.parts(product).raw(product);
        assert_eq!(raw.parts(product), all.parts(product));
        assert!(raw.reserved(product).iter().all(|byte| *byte == 0));
    }
}

#[test]
fn only_what_there_is_a_fixed_number_of_is_fetched_for_anybody_and_else_what_a_rule_names() {
    let name = |text: &str| text.parse::<EndorsementName>().unwrap();
    let chip = format!("amd/milan/vcek/{}/{}", "ab".repeat(64), "00".repeat(8));
    let none = MirrorScope::default();
    for fixed in ["intel/root-ca-crl", "intel/tdx/qe-identity/early", "amd/turin/vlek-chain"] {
        assert!(none.allows(&name(fixed)), "{fixed}");
    }
    let free = ["intel/sgx/tcb-info/00606a000000/standard", "intel/sgx/qe-identity/17", &chip];
    for free in free {
        assert!(!none.allows(&name(free)), "{free}");
    }
    let rule = |text: &str| text.parse::<NameRule>();
    let scope = |text: &str| MirrorScope::new(vec![rule(text).unwrap()]);
    let platform = scope("intel/sgx/tcb-info/00606a000000/");
    assert!(platform.allows(&name("intel/sgx/tcb-info/00606a000000/early")));
    assert!(!platform.allows(&name("intel/sgx/tcb-info/00606a000001/early")));
    assert!(!platform.allows(&name("intel/tdx/tcb-info/00606a000000/early")));
    assert!(!scope(free[0]).allows(&name("intel/sgx/tcb-info/00606a000000/early")));
    assert!(scope(free[0]).allows(&name(free[0])));
    assert!(scope("amd/milan/").allows(&name(&chip)));
    for refused in ["", "/", "intel", "intel/sgx/tcb-info/00606a000000", "arm/", "amd/milan/vcek"] {
        assert!(rule(refused).is_err(), "{refused}");
    }
    // A beginning that no name has would allow nothing, in silence.
    let of_chip = format!("amd/genoa/vcek/{}/", "ab".repeat(64));
    for beginning in [
        "intel/",
        "intel/tdx/",
        "intel/tdx/tcb-info/",
        "intel/sgx/qe-identity/",
        "intel/pck-crl/",
        "amd/",
        "amd/turin/",
        "amd/genoa/vcek/",
        &of_chip,
    ] {
        assert!(rule(beginning).is_ok(), "{beginning}");
    }
    for mistaken in [
        "intel/sgx/tcbinfo/",
        "intel/SGX/",
        "intel/sgx/tcb-info/00606A000000/",
        "intel/sgx/tcb-info/00606a/",
        "amd/naples/",
        "amd/milan/vlek/",
        "intel//",
    ] {
        assert!(rule(mistaken).is_err(), "{mistaken}");
    }
}

fn minted(kind: EvidenceKind) -> Minted {
    mint(kind, &Options::new(at())).unwrap()
}

fn thing(name: &str, body: &[u8], chain: &[u8]) -> Published {
    Published {
        name: name.parse().unwrap(),
        body: body.into(),
        issuer_chain: chain.into(),
        source: "test".into(),
        fetched_at: at(),
        etag: None,
    }
}

#[test]
fn a_crl_comes_in_every_form_and_its_issuer_chain_in_a_header_that_decodes_to_the_same_text() {
    let minted = minted(EvidenceKind::Sgx);
    let set = Collateral::parse_json(&minted.endorsements).unwrap();
    let der = set.pck_crl_der();
    let parts: serde_json::Value = serde_json::from_slice(&minted.endorsements).unwrap();
    let chain = parts["pck_crl_issuer_chain"].as_str().unwrap();
    let published = thing("intel/pck-crl/platform", der, chain.as_bytes());
    let answer = |query: &str| {
        let request = MirrorPath::PckCrl.request(Some(query)).unwrap();
        request.answer(&published, at(), HOUR).unwrap()
    };
    let (hex, binary) = (answer("ca=platform"), answer("ca=platform&encoding=der"));
    assert_eq!(*hex.body, *encode_hex(der).as_bytes());
    assert_eq!((&*binary.body, binary.content_type), (der, "application/pkix-crl"));
    let text = answer("ca=platform&encoding=pem");
    let block = pem::only_block(std::str::from_utf8(&text.body).unwrap().trim(), "X509 CRL");
    assert_eq!(block.unwrap().der().unwrap(), der);
    for one in [&hex, &binary, &text] {
        let (name, value) = one.issuer_chain.as_ref().unwrap();
        assert_eq!(*name, "SGX-PCK-CRL-Issuer-Chain");
        assert!(!value.contains(['+', ' ', '\n', '/']), "{value}");
        assert_eq!(percent_decode_str(value).decode_utf8().unwrap(), chain);
    }
    assert!(hex.etag != binary.etag && binary.etag != text.etag);
    assert_eq!(answer("ca=platform"), hex);
}

#[test]
fn what_is_not_in_force_or_for_something_else_is_not_served() {
    let minted = minted(EvidenceKind::Sgx);
    let set = Collateral::parse_json(&minted.endorsements).unwrap();
    let request = MirrorPath::PckCrl.request(Some("ca=platform")).unwrap();
    let good = thing("intel/pck-crl/platform", set.pck_crl_der(), b"");
    let end = good.stated().unwrap().window.not_after;
    let before = |seconds: i64| end.saturating_add_seconds(-seconds);
    let max_age = |at| request.answer(&good, at, HOUR).map(|answer| answer.max_age.as_secs());
    assert_eq!(max_age(at()), Some(3600));
    assert_eq!(max_age(before(60)), Some(60));
    assert_eq!(max_age(before(0)), Some(0));
    assert_eq!(max_age(before(-1)), None);
    let swapped = thing("intel/pck-crl/platform", set.root_ca_crl_der(), b"");
    assert_eq!(request.answer(&swapped, at(), HOUR), None);
    let cut = thing("intel/pck-crl/platform", b"0\x82", b"");
    assert_eq!(request.answer(&cut, at(), HOUR), None);
}

#[test]
fn documents_and_certificates_come_as_they_are() {
    let minted = minted(EvidenceKind::Sgx);
    let set = Collateral::parse_json(&minted.endorsements).unwrap();
    let fmspc = set.untrusted_summary().unwrap().fmspc;
    let request = MirrorPath::TcbInfo(TeeType::Sgx).request(Some(&format!("fmspc={fmspc}")));
    let name = format!("intel/sgx/tcb-info/{fmspc}/standard");
    let published = thing(&name, set.tcb_info().body(), b"chain");
    let answer = request.unwrap().answer(&published, at(), HOUR).unwrap();
    assert_eq!(*answer.body, *set.tcb_info().body());
    assert_eq!(answer.issuer_chain, Some(("TCB-Info-Issuer-Chain", "chain".to_owned())));

    let minted = self::minted(EvidenceKind::Snp);
    let text = String::from_utf8(minted.endorsements).unwrap();
    let certificates = text.split("-----BEGIN X509 CRL").next().unwrap();
    let certificates = pem::certificates(certificates.as_bytes(), 8).unwrap();
    let above: String =
        certificates[1..].iter().map(|der| pem::encode("CERTIFICATE", der)).collect();
    let chain = MirrorPath::VekChain(Product::Milan, VekKind::Vcek).request(None).unwrap();
    let published = thing("amd/milan/vcek-chain", above.as_bytes(), b"");
    let answer = chain.answer(&published, at(), HOUR).unwrap();
    assert_eq!((&*answer.body, answer.issuer_chain), (above.as_bytes(), None));

    let report = avouch_snp::Report::parse(&minted.evidence).unwrap();
    let body = report.untrusted_body();
    let tcb = RawTcb(body.reported_tcb.0).parts(Product::Milan);
    let chip = Hex(body.chip_id.0);
    let query = format!(
        "blSPL={}&teeSPL={}&snpSPL={}&ucodeSPL={}",
        tcb.boot_loader, tcb.tee, tcb.snp, tcb.microcode
    );
    let vcek = MirrorPath::Vcek(Product::Milan, chip.to_string()).request(Some(&query)).unwrap();
    let published = thing(&vcek.name.to_string(), &certificates[0], b"");
    assert_eq!(*vcek.answer(&published, at(), HOUR).unwrap().body, *certificates[0]);
}
