//! The bytes of a report.

use avouch_mint::vbs::Signer;
use avouch_mint::vbs::{VbsReport, identity_key_info, module, of_report};
use avouch_vbs::{
    ENCLAVE_DATA_LENGTH, MODULES_MAX, Report, SigningKey, VerifyError, verify_report,
};
use avouch_wire::FailedCheck as _;

const STATEMENT: &str = r#"{"challenge":"AQ","rp_data":"Ag"}"#;

fn key() -> SigningKey {
    let info = identity_key_info(Signer::Identity).unwrap();
    SigningKey::of(&info[19..], &info[16..19]).unwrap()
}

fn report() -> Vec<u8> {
    VbsReport::default().to_bytes(STATEMENT).unwrap()
}

fn check(bytes: &[u8]) -> Result<(), &'static str> {
    let report = Report::parse(bytes).map_err(|error| error.check())?;
    verify_report(report, &key(), STATEMENT.as_bytes()).map(drop).map_err(|error| error.check())
}

#[test]
fn a_report_cut_anywhere_or_followed_by_anything_is_refused() {
    let bytes = report();
    assert_eq!(check(&bytes), Ok(()));
    for end in 0..bytes.len() {
        assert!(Report::parse(&bytes[..end]).is_err(), "{end}");
    }
    assert_eq!(check(&[bytes.as_slice(), &[0]].concat()), Err("vbs-report-size"));
}

/// No byte of a report is free: each is a size, a constant, signed, or the signature.
#[test]
fn a_report_with_one_bit_flipped_anywhere_is_refused() {
    let bytes = report();
    for at in 0..bytes.len() {
        for bit in [1, 0x80] {
            let mut flipped = bytes.clone();
            flipped[at] ^= bit;
            assert!(check(&flipped).is_err(), "byte {at}, bit {bit:#x}");
        }
    }
}

#[test]
fn a_report_vouches_for_the_bytes_as_they_were_sent() {
    let bytes = report();
    for other in
        [r#"{ "challenge":"AQ","rp_data":"Ag"}"#, r#"{"rp_data":"Ag","challenge":"AQ"}"#, ""]
    {
        let found = verify_report(Report::parse(&bytes).unwrap(), &key(), other.as_bytes());
        assert!(matches!(found.unwrap_err(), VerifyError::EnclaveData { .. }), "{other}");
    }
}

#[test]
fn a_report_has_as_many_modules_as_are_read_and_no_more() {
    let with = |count| VbsReport { blocks: module("m.dll").repeat(count), ..VbsReport::default() };
    for count in [0, 1, MODULES_MAX] {
        let bytes = with(count).to_bytes(STATEMENT).unwrap();
        assert_eq!(Report::parse(&bytes).unwrap().modules.len(), count);
    }
    let bytes = with(MODULES_MAX + 1).to_bytes(STATEMENT).unwrap();
    assert_eq!(Report::parse(&bytes).unwrap_err().check(), "vbs-report-modules");
}

#[test]
fn names_of_modules_are_any_text_of_utf_16() {
    for name in ["", "a", "vertdll.dll", "\u{1d11e}\u{20ac}"] {
        let report = VbsReport { blocks: module(name), ..VbsReport::default() };
        let bytes = report.to_bytes(STATEMENT).unwrap();
        assert_eq!(Report::parse(&bytes).unwrap().modules[0].name, name);
    }
}

#[test]
fn what_is_signed_and_the_signature_are_parts_of_the_report() {
    let bytes = report();
    let report = Report::parse(&bytes).unwrap();
    let (statement, signature) = (report.untrusted_statement(), report.untrusted_signature());
    assert_eq!([&bytes[..24], statement, signature].concat(), bytes);
    assert_eq!(&statement[8..8 + ENCLAVE_DATA_LENGTH], report.enclave_data.0);
}

/// Each field of a report has its place: a minted one has other bytes in each.
#[test]
fn errors_of_the_layout_say_where() {
    for (name, place) in [
        ("package-size-more", "PackageSize"),
        ("version-2", "Version"),
        ("scheme-2", "SignatureScheme"),
        ("reserved", "Reserved"),
        ("report-size-more", "ReportSize"),
        ("enclave-of-sgx", "EnclaveType"),
        ("block-type-2", "DataType"),
        ("name-without-end", "ModuleName"),
    ] {
        assert!(of_report().iter().any(|one| one.name == name), "{name}");
        let options = crate::support::options().broken(name);
        let minted = crate::support::minted(&options);
        let error = Report::parse(&minted.report).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains("VBS_ENCLAVE_REPORT"), "{error}");
    }
}
