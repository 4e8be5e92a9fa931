//! Whole evidence: what is good is believed, every break is refused by exactly its check.

use std::collections::BTreeSet;

use avouch_bootlog::windows::WindowsAuthorities;
use avouch_mint::Seed;
use avouch_mint::tpm::RequestForm;
use avouch_mint::vbs::{ReportSignature, VbsReport, breaks};
use avouch_vbs::{EnclaveType, Report};
use avouch_wire::UnixTime;

use crate::support::{identity_key, judged, minted, options, request};

#[test]
fn an_enclave_is_believed_with_all_that_its_report_says() {
    for form in [RequestForm::First, RequestForm::FirstWithBank, RequestForm::Second] {
        let report = judged(&minted(&options().in_form(form))).unwrap();
        let svns = (report.enclave_svn, report.secure_kernel_svn, report.platform_svn);
        assert_eq!(svns, (7, 8, 9));
        assert_eq!((report.flags.0, report.signing_level), (0, 12));
        assert_eq!(report.enclave_type, EnclaveType::Vbs);
        assert_eq!(report.owner_id.0, [0x0d; 32]);
        assert_eq!(report.unique_id.0, [0x01; 32]);
        assert_eq!(report.author_id.0, [0x0a; 32]);
        assert_eq!((report.family_id.0, report.image_id.0), ([0xfa; 16], [0x1a; 16]));
        let [module] = report.modules.as_slice() else { panic!("{:?}", report.modules) };
        assert_eq!((module.svn, module.name.as_str()), (3, "avouch.dll"));
        assert_eq!((module.unique_id.0, module.author_id.0), ([2; 32], [0x0b; 32]));
        assert_eq!((module.family_id.0, module.image_id.0), ([0xfb; 16], [0x1b; 16]));
    }
}

#[test]
fn every_break_is_refused_by_exactly_its_check() {
    let mut surprises = Vec::new();
    for one in breaks() {
        let minted = minted(&options().broken(one.name));
        assert_eq!(minted.refused_by, Some(one.expected_check));
        let seen = judged(&minted).err();
        if seen != Some(one.expected_check) {
            surprises.push(format!("{}: expected {}, seen {seen:?}", one.name, one.expected_check));
        }
    }
    assert!(surprises.is_empty(), "{} wrong:\n{}", surprises.len(), surprises.join("\n"));
}

#[test]
fn there_are_at_least_forty_breaks_each_with_a_name_of_its_own() {
    let names: BTreeSet<_> = breaks().iter().map(|one| one.name).collect();
    assert_eq!(names.len(), breaks().len(), "a name occurs twice");
    assert!(names.len() >= 40, "{}", names.len());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/assurance.md");
    let handbook = std::fs::read_to_string(path).unwrap();
    let row = handbook.lines().find(|line| line.starts_with("| `vbs`,")).unwrap();
    assert_eq!(row.rsplit('|').nth(1).unwrap().trim(), names.len().to_string());
    for one in breaks() {
        let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(one.name.chars().all(is_kebab), "{}", one.name);
        assert!(!one.what.is_empty() && !one.what.ends_with('.'), "{}: {}", one.name, one.what);
    }
    assert!(avouch_mint::vbs::mint(&options().broken("no-such-break")).is_err());
}

#[test]
fn a_report_signed_with_either_salt_is_believed() {
    for signature in [ReportSignature::Pss, ReportSignature::PssLongestSalt] {
        let mut options = options();
        options.report.signature = signature;
        judged(&minted(&options)).unwrap();
    }
}

#[test]
fn an_enclave_that_can_be_debugged_is_told_and_not_refused() {
    for flags in [1, 2, 4, 7, 0x8000_0000] {
        let mut options = options();
        options.report.flags = flags;
        let report = judged(&minted(&options)).unwrap();
        assert_eq!(report.flags.0, flags);
        assert!(report.flags.debuggable());
        let told = [
            report.flags.full_debug(),
            report.flags.dynamic_debug(),
            report.flags.dynamic_debug_active(),
        ];
        assert_eq!(told, [1, 2, 4].map(|bit| flags & bit != 0), "{flags:#x}");
    }
}

#[test]
fn a_report_of_another_machine_or_of_another_request_is_refused() {
    let (one, other) = (minted(&options()), minted(&options().of_seed(Seed::from_number(9))));
    assert_ne!(one.report_signed, other.report_signed);
    let request = request(&one.tpm).unwrap();
    let key = identity_key(&request, &crate::support::windows(&one)).unwrap();
    let parsed = Report::parse(&other.report).unwrap();
    let error = avouch_vbs::verify_report(parsed, &key, one.report_signed.as_bytes()).unwrap_err();
    assert_eq!(avouch_wire::FailedCheck::check(&error), "vbs-report-data");
}

#[test]
fn the_key_of_a_machine_whose_windows_is_nobodys_is_none() {
    let minted = minted(&options());
    let request = request(&minted.tpm).unwrap();
    for windows in [WindowsAuthorities::default(), WindowsAuthorities::new([])] {
        assert_eq!(identity_key(&request, &windows).unwrap_err(), "windows-authority");
    }
}

#[test]
fn facts_of_a_report_name_the_key_that_signed_it() {
    let minted = minted(&options());
    let report = judged(&minted).unwrap();
    let facts = serde_json::to_value(&report).unwrap();
    assert_eq!(facts["identity_key_sha256"], report.identity_key_sha256().to_string());
    assert_eq!(facts["enclave_type"], "vbs");
    assert_eq!(facts["modules"][0]["name"], "avouch.dll");
    let mut other = options();
    other.report = VbsReport { enclave_type: 0x11, ..VbsReport::default() };
    let report = judged(&crate::support::minted(&other)).unwrap();
    assert_eq!(serde_json::to_value(&report).unwrap()["enclave_type"], "vbs-basic");
}

#[test]
fn evidence_is_minted_for_any_moment() {
    let at = UnixTime::from_rfc3339("2030-06-01T00:00:00Z").unwrap();
    judged(&minted(&avouch_mint::vbs::VbsOptions::new(at))).unwrap();
}
