//! Readers of foreign bytes that need no recorded evidence: certificate tables, MAA's document,
//! publishers' identifiers, files of certificates.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "test code")]

use avouch_mint::{Minted, Options, mint};
use avouch_snp::ghcb::{CertificateTable, Guid};
use avouch_snp::maa_request::SnpEvidence;
use avouch_snp::uvm::{DidX509, UntrustedUvmDocument, UvmError, UvmTrust};
use avouch_snp::{
    Chain, ChainCacheKey, Endorsements, REPORT_LENGTH, Report, ReportError, TrustAnchors,
};
use avouch_wire::{EvidenceKind, FailedCheck as _, UnixTime, base64url};
use serde_json::{Value, json};

fn minted() -> Minted {
    mint(EvidenceKind::Snp, &Options::new(UnixTime::from_rfc3339("2026-01-31T12:00:00Z").unwrap()))
        .unwrap()
}

/// A table of entries, each with its place in the blob, and the bodies behind.
fn table(entries: &[([u8; 16], u32, u32)], bodies: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (guid, offset, length) in entries {
        bytes.extend(guid);
        bytes.extend(offset.to_le_bytes());
        bytes.extend(length.to_le_bytes());
    }
    bytes.extend([0; 24]);
    bytes.extend(bodies);
    bytes
}

#[test]
fn reads_a_table_with_an_unknown_entry_and_padding() {
    let other = [9; 16];
    let bytes = table(&[(Guid::VCEK.0, 72, 2), (other, 74, 1)], b"abcpadding");
    let table = CertificateTable::parse(&bytes).unwrap();
    assert_eq!(table.body(Guid::VCEK), Some(b"ab".as_slice()));
    assert_eq!(table.body(Guid(other)), Some(b"c".as_slice()));
    assert_eq!(table.body(Guid::ARK), None);
    assert!(!table.entries()[1].guid.is_known());
}

#[test]
fn refuses_tables_whose_entries_do_not_fit() {
    let one = |offset, length| table(&[(Guid::VCEK.0, offset, length)], b"abc");
    for (bytes, field) in [
        (one(48, 4), "offset"),
        (one(51, 1), "offset"),
        (one(47, 1), "offset"),
        (one(0, 24), "offset"),
        (one(u32::MAX, 2), "offset"),
        (one(48, u32::MAX), "offset"),
        (table(&[(Guid::VCEK.0, 72, 1), (Guid::VCEK.0, 72, 1)], b"a"), "guid"),
        (vec![1; 24 * 3], "guid"),
        (vec![0; 23], "length"),
        (Vec::new(), "guid"),
        (Guid::ASK.0.to_vec(), "offset"),
        (vec![1; 64 * 1024 + 1], "table"),
        (table(&[(Guid::VCEK.0, 72, 2), (Guid::ASK.0, 72, 2)], b"abc"), "offset"),
        (table(&[(Guid::VCEK.0, 72, 2), (Guid::ASK.0, 73, 2)], b"abc"), "offset"),
        (table(&[(Guid::VCEK.0, 73, 1), (Guid::ASK.0, 72, 3)], b"abc"), "offset"),
        (table(&[(Guid::VCEK.0, 72, 3), ([9; 16], 74, 1)], b"abc"), "offset"),
    ] {
        let error = CertificateTable::parse(&bytes).unwrap_err();
        assert_eq!(error.field, field, "{error}");
        if field == "table" {
            assert!(error.to_string().ends_with("65537 is over the limit of 65536"), "{error}");
        }
    }
    CertificateTable::parse(&one(48, 3)).unwrap();
    CertificateTable::parse(&one(51, 0)).unwrap();
    let whole = one(48, 3);
    let padded = [whole.as_slice(), &vec![0; 64 * 1024 - whole.len()]].concat();
    CertificateTable::parse(&padded).unwrap();
    // Side by side, in another order than their entries, and empty ones anywhere.
    for entries in [
        [(Guid::VCEK.0, 74, 1), (Guid::ASK.0, 72, 2)],
        [(Guid::VCEK.0, 72, 3), (Guid::ASK.0, 73, 0)],
    ] {
        CertificateTable::parse(&table(&entries, b"abc")).unwrap();
    }
}

#[test]
fn reads_the_certificates_of_a_table_and_no_list() {
    let certificates = document()["VcekCertChain"].as_str().map(base64url::decode);
    let certificates = certificates.unwrap().unwrap();
    let length = u32::try_from(certificates.len()).unwrap();
    let entries = [(Guid::VCEK.0, 72, length), (Guid::CRL.0, 72 + length, 8)];
    let bytes = table(&entries, &[certificates.as_slice(), b"no list!"].concat());
    let table = CertificateTable::parse(&bytes).unwrap();
    let chain = Chain::parse_sent(&table.certificates(), &TrustAnchors::amd()).unwrap();
    assert_eq!(chain.leaves().count(), 1);
    assert_eq!(table.body(Guid::CRL), Some(b"no list!".as_slice()));
    assert_eq!(table.certificates(), [certificates.as_slice()]);
    // The same certificates have one key, in whatever form they came.
    assert_eq!(ChainCacheKey::of(&table.certificates()), ChainCacheKey::of(&[&certificates]));
}

#[test]
fn counts_the_certificates_of_a_table_over_all_of_its_entries() {
    let certificates = document()["VcekCertChain"].as_str().map(base64url::decode);
    let certificates = certificates.unwrap().unwrap();
    let parse = |first: usize, second: usize| {
        let bodies = [certificates.repeat(first), certificates.repeat(second)];
        let [one, other] = [&bodies[0], &bodies[1]].map(|body| u32::try_from(body.len()).unwrap());
        let bytes =
            table(&[(Guid::VCEK.0, 72, one), (Guid::ASK.0, 72 + one, other)], &bodies.concat());
        Chain::parse_sent(
            &CertificateTable::parse(&bytes).unwrap().certificates(),
            &TrustAnchors::none(),
        )
    };
    assert_eq!(parse(3, 2).unwrap().leaves().count(), 1);
    assert_eq!(parse(3, 3).unwrap_err().check(), "chain-too-large");
    let root = minted().root_pem.into_bytes();
    let roots = |first: usize| {
        let bodies = [root.repeat(first), root.clone()];
        let [one, other] = [&bodies[0], &bodies[1]].map(|body| u32::try_from(body.len()).unwrap());
        let bytes =
            table(&[(Guid::VCEK.0, 72, one), (Guid::ASK.0, 72 + one, other)], &bodies.concat());
        Chain::parse_sent(
            &CertificateTable::parse(&bytes).unwrap().certificates(),
            &TrustAnchors::none(),
        )
    };
    assert_eq!(roots(15).unwrap().roots().len(), 1);
    assert_eq!(roots(16).unwrap_err().check(), "chain-too-large");
}

#[test]
fn refuses_a_table_of_too_many_entries() {
    let entry = |number: u8| ([number; 16], 24 * 70, 0);
    let many = |count: u8| {
        let entries: Vec<_> = (1..=count).map(entry).collect();
        table(&entries, &[0; 24 * 70])
    };
    CertificateTable::parse(&many(16)).unwrap();
    let error = CertificateTable::parse(&many(17)).unwrap_err();
    assert_eq!(error.field, "entries");
    assert!(error.to_string().ends_with("17 is over the limit of 16"), "{error}");
}

#[test]
fn shows_guids_as_the_specification_writes_them() {
    for (guid, text) in [
        (Guid::VCEK, "63da758d-e664-4564-adc5-f4b93be8accd"),
        (Guid::VLEK, "a8074bc2-a25a-483e-aae6-39c045a0b8a1"),
        (Guid::ASK, "4ab7b379-bbac-4fe4-a02f-05aef327c782"),
        (Guid::ARK, "c0b406a4-a803-4952-9743-3fb6014cd0ae"),
        (Guid::CRL, "92f81bc3-5811-4d3d-97ff-d19f88dc67ea"),
    ] {
        assert_eq!(guid.to_string(), text);
        let bytes = avouch_wire::decode_hex(&text.replace('-', "")).unwrap();
        assert_eq!(guid.0.as_slice(), bytes);
        assert!(guid.is_known());
    }
}

#[test]
fn an_entry_of_zeros_ends_a_table_and_one_with_anything_in_it_does_not() {
    let with = |guid: [u8; 16], offset: u32, length: u32| {
        CertificateTable::parse(&table(&[(guid, offset, length)], b"abc"))
            .map(|table| table.entries().len())
    };
    assert_eq!(with([0; 16], 48, 3).unwrap(), 1);
    assert_eq!(with([0; 16], 48, 0).unwrap(), 1);
    assert_eq!(with([1; 16], 48, 0).unwrap(), 1);
    assert!(with([0; 16], 0, 3).is_err());
    assert!(with([1; 16], 0, 0).is_err());
    // Certificates of all four kinds, in order, without the empty ones.
    let entries = [
        (Guid::ARK.0, 144, 1),
        (Guid::VLEK.0, 145, 1),
        (Guid::CRL.0, 146, 1),
        (Guid::VCEK.0, 147, 0),
        (Guid::ASK.0, 147, 1),
    ];
    let bytes = table(&entries, b"abcd");
    let table = CertificateTable::parse(&bytes).unwrap();
    assert_eq!(table.certificates(), [b"a", b"b", b"d"]);
}

/// The minted document as JSON, to be changed.
fn document() -> Value {
    let request: Value = serde_json::from_str(&minted().request).unwrap();
    let text = base64url::decode(request["report"].as_str().unwrap()).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn with(member: &str, value: Value) -> Vec<u8> {
    let mut document = document();
    document[member] = value;
    serde_json::to_vec(&document).unwrap()
}

#[test]
fn reads_base64_of_both_alphabets_with_and_without_padding() {
    let document = document();
    let text = document["SnpReport"].as_str().unwrap();
    let standard = text.replace('-', "+").replace('_', "/");
    let mixed: String = text.replacen('-', "+", 3).replacen('_', "/", 3);
    let padded = |text: &str| format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4));
    for text in [text.to_owned(), padded(text), standard.clone(), padded(&standard), mixed] {
        let evidence = SnpEvidence::parse(&with("SnpReport", json!(text))).unwrap();
        assert_eq!(evidence.uvm_endorsements().len(), 0);
    }
}

#[test]
fn reads_documents_as_clients_write_them() {
    let text = serde_json::to_string(&document()).unwrap();
    let with_space = format!(" \r\n\t{text}\n");
    SnpEvidence::parse(with_space.as_bytes()).unwrap();
    for (member, value) in [
        ("Endorsements", json!("")),
        ("Endorsements", Value::Null),
        ("Endorsements", json!(base64url::encode(b"{}"))),
        ("Endorsements", json!(base64url::encode(br#"{"Uvm":[]}"#))),
        ("Endorsements", json!(base64url::encode(br#"{"Uvm":null}"#))),
        ("Another", json!(7)),
    ] {
        let evidence = SnpEvidence::parse(&with(member, value)).unwrap();
        assert_eq!(evidence.uvm_endorsements().len(), 0);
    }
    // Texts may hold one mark of either alphabet alone, or both.
    let some = br#"{"Uvm":["AQI","AwQ=","+A","-A","/w","_w==","+/8=","-/8"]}"#;
    let some = json!(base64url::encode(some));
    let evidence = SnpEvidence::parse(&with("Endorsements", some)).unwrap();
    let found: Vec<&[u8]> = evidence.uvm_endorsements().collect();
    let expected: [&[u8]; 8] =
        [&[1, 2], &[3, 4], &[0xf8], &[0xf8], &[0xff], &[0xff], &[0xfb, 0xff], &[0xfb, 0xff]];
    assert_eq!(found, expected);
}

#[test]
fn bounds_what_a_document_holds_and_accepts_the_last_that_fits() {
    // A document of at most so many bytes, white space and all.
    let text = serde_json::to_vec(&document()).unwrap();
    let spaced = |length: usize| [text.as_slice(), &vec![b' '; length - text.len()]].concat();
    SnpEvidence::parse(&spaced(1 << 20)).unwrap();
    assert_eq!(
        SnpEvidence::parse(&spaced((1 << 20) + 1)).unwrap_err().check(),
        "snp-document-size"
    );
    // Certificates with all that stands around them.
    let certificates = document()["VcekCertChain"].as_str().map(base64url::decode);
    let certificates = certificates.unwrap().unwrap();
    let padded = |length: usize| {
        let chain = [certificates.as_slice(), &vec![b'\n'; length - certificates.len()]].concat();
        SnpEvidence::parse(&with("VcekCertChain", json!(base64url::encode(chain))))
    };
    assert_eq!(padded(64 << 10).unwrap().chain().unwrap().leaves().count(), 1);
    assert_eq!(padded((64 << 10) + 1).unwrap_err().check(), "chain-too-large");
    // Names and texts: two members have four, each member that nobody knows one more.
    let members = |count: usize| {
        let mut document = document();
        (0..count).for_each(|number| document[format!("another {number}")] = json!(0));
        SnpEvidence::parse(&serde_json::to_vec(&document).unwrap())
    };
    members(508).unwrap();
    assert_eq!(members(509).unwrap_err().check(), "snp-document-json");
    // Endorsements of the utility VM.
    let uvm = |count: usize| {
        let list = json!({ "Uvm": vec!["AQI"; count] }).to_string();
        SnpEvidence::parse(&with("Endorsements", json!(base64url::encode(list))))
    };
    assert_eq!(uvm(16).unwrap().uvm_endorsements().len(), 16);
    assert_eq!(uvm(17).unwrap_err().check(), "snp-document-uvm-count");
    for (length, check) in [(128 << 10, "uvm-cose"), ((128 << 10) + 1, "uvm-size")] {
        let error = UntrustedUvmDocument::parse(&vec![0; length]).unwrap_err();
        assert_eq!(error.check(), check);
    }
}

#[test]
fn says_little_of_what_it_does_not_understand() {
    let long = "x".repeat(1 << 16);
    let document = with("Endorsements", json!([long]));
    let error = SnpEvidence::parse(&document).unwrap_err().to_string();
    assert!(error.len() < 300, "{}", error.len());
    let inner = json!(base64url::encode(format!(r#"{{"Uvm":"{long}"}}"#)));
    let error = SnpEvidence::parse(&with("Endorsements", inner)).unwrap_err().to_string();
    assert!(error.len() < 300, "{}", error.len());
}

#[test]
fn refuses_documents_that_are_not_evidence() {
    let too_many = format!(r#"{{"Uvm":[{}""]}}"#, r#""","#.repeat(16));
    let twice = {
        let text = serde_json::to_string(&document()).unwrap();
        text.replacen('{', r#"{"SnpReport":"AA","#, 1).into_bytes()
    };
    for (document, check) in [
        (b"".to_vec(), "snp-document-json"),
        (b"[]".to_vec(), "snp-document-json"),
        (br#"["AA","AA",null]"#.to_vec(), "snp-document-json"),
        (b"{}".to_vec(), "snp-document-json"),
        (twice, "snp-document-json"),
        (with("SnpReport", json!(7)), "snp-document-json"),
        (with("SnpReport", json!("A*")), "snp-document-base64"),
        (with("SnpReport", json!("AB")), "snp-document-base64"),
        (with("VcekCertChain", json!("A")), "snp-document-base64"),
        (with("SnpReport", json!("")), "report-length"),
        (with("Endorsements", json!("!")), "snp-document-base64"),
        (with("Endorsements", json!(base64url::encode(b"[]"))), "snp-document-json"),
        (
            with("Endorsements", json!(base64url::encode(br#"{"Uvm":["*"]}"#))),
            "snp-document-base64",
        ),
        (with("Endorsements", json!(base64url::encode(too_many))), "snp-document-uvm-count"),
        (vec![b' '; 1024 * 1024 + 1], "snp-document-size"),
    ] {
        let shown = String::from_utf8_lossy(&document).chars().take(60).collect::<String>();
        let error = SnpEvidence::parse(&document).err();
        assert_eq!(error.as_ref().map(|error| error.check()), Some(check), "{shown}: {error:?}");
    }
}

#[test]
fn reads_the_identifier_of_a_publisher() {
    let default = &UvmTrust::default().entries[0];
    let did = DidX509::parse(&default.issuer).unwrap();
    assert_eq!(did.extended_key_usage(), "1.3.6.1.4.1.311.76.59.1.2");
    assert_eq!(did.as_str(), default.issuer);
    assert!(UvmTrust::default().entry(&default.issuer, &default.feed).is_ok());
    let error = UvmTrust::default().entry(&default.issuer, "other").unwrap_err();
    let (issuer, feed) = (default.issuer.clone(), "other".to_owned());
    assert_eq!(error, UvmError::Untrusted { issuer, feed });
}

#[test]
fn refuses_identifiers_longer_than_any() {
    let good = UvmTrust::default().entries[0].issuer.clone();
    let long = |length: usize| format!("{good}.{}", "1".repeat(length - good.len() - 1));
    DidX509::parse(&long(256)).unwrap();
    assert_eq!(DidX509::parse(&long(257)).unwrap_err().check(), "uvm-did");
}

#[test]
fn refuses_identifiers_of_another_form() {
    let good = UvmTrust::default().entries[0].issuer.clone();
    let fingerprint = "I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s";
    for wrong in [
        String::new(),
        good.replace("x509:0", "x509:1"),
        good.replace("sha256", "sha384"),
        good.replace("::eku:", "::subject:"),
        good.replace("::eku:", ":eku:"),
        good.replace(fingerprint, "I__iuL25"),
        good.replace(fingerprint, &format!("{fingerprint}=")),
        good.replace(fingerprint, ""),
        good.replace(".59.1.2", ".59..2"),
        good.replace(".59.1.2", ".59.1.2::eku:1.2"),
        good.replace("1.3.6.1.4.1.311.76.59.1.2", ""),
        format!("{good}{}", ".1".repeat(200)),
    ] {
        assert_eq!(DidX509::parse(&wrong).unwrap_err().check(), "uvm-did", "{wrong}");
    }
}

#[test]
fn refuses_files_that_are_no_certificates() {
    let minted = minted();
    let pem = String::from_utf8(minted.endorsements.clone()).unwrap();
    for (bytes, check) in [
        (Vec::new(), "chain-pem"),
        (b"no certificate".to_vec(), "chain-pem"),
        (vec![0xff; 10], "chain-pem"),
        (vec![0x30, 0x00], "chain-certificate"),
        (pem.replace("X509 CRL", "X509 CRX").into_bytes(), "chain-pem"),
        (pem.replacen("-----END X509 CRL", "-----END X509 CRX", 1).into_bytes(), "chain-pem"),
        (vec![b' '; 4 * 1024 * 1024 + 1], "chain-too-large"),
    ] {
        assert_eq!(Endorsements::parse(&[bytes]).unwrap_err().check(), check);
    }
    // A request's chain has no place for CRLs.
    assert_eq!(Chain::parse(&[&minted.endorsements]).unwrap_err().check(), "chain-pem");
    let endorsements = Endorsements::parse(&[&minted.endorsements]).unwrap();
    assert_eq!(endorsements.crls.len(), 1);
    // A CRL alone, PEM and DER.
    let crl = pem.split_once("-----BEGIN X509 CRL").unwrap().1;
    let crl = format!("-----BEGIN X509 CRL{crl}").into_bytes();
    let der = endorsements_of(&[crl]).crls[0].der().to_vec();
    assert_eq!(endorsements_of(&[der]).crls.len(), 1);
}

#[test]
fn reads_files_of_endorsements_up_to_their_limits() {
    let pem = String::from_utf8(minted().endorsements).unwrap();
    let crl = format!("-----BEGIN X509 CRL{}", pem.split_once("-----BEGIN X509 CRL").unwrap().1);
    assert_eq!(endorsements_of(&[crl.repeat(32).into_bytes()]).crls.len(), 32);
    let error = Endorsements::parse(&[crl.repeat(33)]).unwrap_err();
    assert_eq!(error.check(), "chain-too-large");
    let padded = |length: usize| format!("{pem}{}", " ".repeat(length - pem.len()));
    assert_eq!(endorsements_of(&[padded(4 << 20).into_bytes()]).chain.leaves().count(), 1);
    let error = Endorsements::parse(&[padded((4 << 20) + 1)]).unwrap_err();
    assert_eq!(error.check(), "chain-too-large");
    let root = minted().root_pem;
    let padded = |length: usize| format!("{root}{}", " ".repeat(length - root.len()));
    assert_eq!(Chain::parse(&[padded(4 << 20)]).unwrap().roots().len(), 1);
    let error = Chain::parse(&[padded((4 << 20) + 1)]).unwrap_err();
    assert!(error.to_string().contains("bytes of certificates"), "{error}");
    // As many certificates as are read, and lists beside them.
    let all = format!("{}{}", root.repeat(256), crl.repeat(32));
    assert_eq!(endorsements_of(&[all.clone().into_bytes()]).crls.len(), 32);
    assert!(Endorsements::parse(&[format!("{all}{root}")]).is_err());
}

#[test]
fn a_directory_holds_256_different_certificates() {
    use rcgen::{CertificateParams, DnType, KeyPair};
    let key = KeyPair::generate().unwrap();
    let root = |number: u32| {
        let mut params = CertificateParams::default();
        params.distinguished_name.remove(DnType::CommonName);
        params.distinguished_name.push(DnType::CommonName, format!("ARK-{number}"));
        params.self_signed(&key).unwrap().der().to_vec()
    };
    let mut parts: Vec<Vec<u8>> = (0..256).map(root).collect();
    assert_eq!(endorsements_of(&parts).chain.roots().len(), 256);
    parts.push(root(256));
    assert_eq!(Endorsements::parse(&parts).unwrap_err().check(), "chain-too-large");
}

fn endorsements_of(parts: &[Vec<u8>]) -> Endorsements {
    Endorsements::parse(parts).unwrap()
}

#[test]
fn refuses_more_certificates_than_any_directory_has() {
    let minted = minted();
    let pem = String::from_utf8(minted.root_pem.into_bytes()).unwrap();
    Chain::parse(&[pem.repeat(256)]).unwrap();
    let error = Chain::parse(&[pem.repeat(257)]).unwrap_err();
    assert_eq!(error.check(), "chain-pem");
}

#[test]
fn refuses_reports_of_any_other_length() {
    let report = minted().evidence;
    for length in (0..REPORT_LENGTH).chain(REPORT_LENGTH + 1..REPORT_LENGTH + 64) {
        let mut bytes = report.clone();
        bytes.resize(length, 0);
        let expected = ReportError::Length { expected: REPORT_LENGTH, found: length };
        assert_eq!(Report::parse(&bytes), Err(expected));
    }
}

#[test]
fn errors_of_fields_say_where_they_stand() {
    let mut report = minted().evidence;
    report[0x19f] = 7;
    let error = Report::parse(&report).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "AttestationReport.reserved_0x18b at byte 0x18b: reserved bytes are not zero: {}07",
            "00".repeat(20)
        )
    );
}

#[test]
fn refuses_more_certificates_than_a_client_sends() {
    let document = document();
    let chain = base64url::decode(document["VcekCertChain"].as_str().unwrap()).unwrap();
    let chain = String::from_utf8(chain).unwrap();
    let parse = |times: usize| {
        let text = json!(base64url::encode(chain.repeat(times)));
        SnpEvidence::parse(&with("VcekCertChain", text)).unwrap().chain()
    };
    assert_eq!(parse(5).unwrap().leaves().count(), 1);
    assert_eq!(parse(6).unwrap_err().check(), "chain-pem");
    let parts = avouch_pki::pem::certificates(chain.as_bytes(), 3).unwrap();
    Chain::parse_at_most(&parts, 3).unwrap();
    let error = Chain::parse_at_most(&parts, 2).unwrap_err();
    assert_eq!(error.check(), "chain-too-large");
}

#[test]
fn fields_of_a_report_are_read_from_their_places() {
    let report = minted().evidence;
    let changed = |version: u8, place: usize, bytes: &[u8]| {
        let mut raw = report.clone();
        raw[0] = version;
        raw[place..place + bytes.len()].copy_from_slice(bytes);
        Report::parse(&raw).map(|report| report.untrusted_body().clone())
    };
    let version = |[build, minor, major]: [u8; 3]| (major, minor, build);
    let current = changed(3, 0x1e8, &[3, 2, 1]).unwrap().current_version;
    assert_eq!((current.major, current.minor, current.build), version([3, 2, 1]));
    let committed = changed(3, 0x1ec, &[6, 5, 4]).unwrap().committed_version;
    assert_eq!((committed.major, committed.minor, committed.build), version([6, 5, 4]));
    for (place, vectors) in [(0x1f8, (Some(7), Some(0))), (0x200, (Some(0), Some(7)))] {
        let body = changed(5, place, &[7]).unwrap();
        assert_eq!((body.launch_mit_vector, body.current_mit_vector), vectors);
        // Before version 5 they are reserved.
        assert!(changed(4, place, &[7]).is_err());
    }
    let without = changed(4, 0x1f8, &[0]).unwrap();
    assert_eq!((without.launch_mit_vector, without.current_mit_vector), (None, None));
    for reserved in [0x208, 0x220, 0x27f, 0x29f] {
        assert!(changed(5, reserved, &[1]).is_err(), "{reserved:#x}");
    }
    for reserved in [0x1eb, 0x1ef] {
        let error = changed(5, reserved, &[1]).unwrap_err().to_string();
        let place = format!("AttestationReport.reserved_{reserved:#x} at byte {reserved:#x}");
        assert!(error.starts_with(&place), "{error}");
    }
    assert_eq!(changed(6, 0, &[6]), Err(ReportError::Version { found: 6, newest: 5 }));
}

#[test]
fn both_numbers_of_a_signature_are_from_1_to_below_the_order_of_the_group() {
    let order = "ffffffffffffffffffffffffffffffffffffffffffffffff\
                 c7634d81f4372ddf581a0db248b0a77aecec196accc52973";
    let order: [u8; 48] = avouch_wire::decode_hex(order).unwrap().try_into().unwrap();
    let last = |change: i8| {
        let mut number = order;
        number[47] = number[47].wrapping_add_signed(change);
        number
    };
    let mut one = [0; 48];
    one[47] = 1;
    let report = minted().evidence;
    for (component, place) in [("signature_r", 0x2a0), ("signature_s", 0x2e8)] {
        let parse = |number: [u8; 48]| {
            let mut raw = report.clone();
            raw[place..place + 48].copy_from_slice(&number);
            raw[place..place + 48].reverse();
            Report::parse(&raw).map(|report| *report.signature())
        };
        let half = if component == "signature_r" { 0..48 } else { 48..96 };
        for number in [one, last(-1)] {
            assert_eq!(parse(number).unwrap()[half.clone()], number);
        }
        for number in [[0; 48], order, last(1), [0xff; 48]] {
            let found = avouch_wire::Hex(number);
            assert_eq!(parse(number), Err(ReportError::SignatureRange { component, found }));
        }
    }
}

#[test]
fn the_published_publishers_are_trusted_from_their_versions_on() {
    let trust = UvmTrust::default();
    let entries: Vec<_> = trust
        .entries
        .iter()
        .map(|entry| {
            let purpose = entry.issuer.rsplit(':').next().unwrap_or_default();
            let status = entry.compliance_status.as_deref();
            (purpose, entry.feed.as_str(), entry.minimum_svn, status)
        })
        .collect();
    assert_eq!(
        entries,
        [
            (
                "1.3.6.1.4.1.311.76.59.1.2",
                "ContainerPlat-AMD-UVM",
                100,
                Some("azure-compliant-uvm")
            ),
            ("1.3.6.1.4.1.311.76.59.1.5", "ConfAKS-AMD-UVM", 1, Some("azure-signed-katacc-uvm")),
        ]
    );
}
