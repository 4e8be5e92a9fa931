//! What an operator accepts.

use avouch_vbs::{Acceptance, VerifiedReport};
use avouch_wire::{FailedCheck as _, Hex};

use crate::support::{judged, minted, options};

fn report(flags: u32) -> VerifiedReport {
    let mut options = options();
    options.report.flags = flags;
    judged(&minted(&options)).unwrap()
}

fn checks(acceptance: &Acceptance, report: &VerifiedReport) -> Vec<&'static str> {
    let Err(error) = acceptance.check(report) else { return Vec::new() };
    error.refusals().map(|refusal| refusal.check()).collect()
}

#[test]
fn whatever_verifies_is_accepted_unless_an_operator_says_otherwise() {
    assert_eq!(checks(&Acceptance::default(), &report(7)), [""; 0]);
}

#[test]
fn enclaves_that_can_be_debugged_are_refused_where_that_is_asked_for() {
    let strict = Acceptance { refuse_debuggable: true, ..Acceptance::default() };
    assert_eq!(checks(&strict, &report(0)), [""; 0]);
    for flags in [1, 2, 4, 8] {
        assert_eq!(checks(&strict, &report(flags)), ["debuggable"], "{flags}");
    }
}

#[test]
fn each_floor_and_each_list_refuses_what_falls_short_of_it_alone() {
    let report = report(0);
    let (author, image) = (Hex([0x0a; 32]), Hex([0x01; 32]));
    let met = Acceptance {
        refuse_debuggable: true,
        author_ids: [author, Hex([9; 32])].into(),
        unique_ids: [image].into(),
        minimum_enclave_svn: Some(7),
        minimum_secure_kernel_svn: Some(8),
        minimum_platform_svn: Some(9),
    };
    assert_eq!(checks(&met, &report), [""; 0]);
    for (unmet, check, says) in [
        (
            Acceptance { author_ids: [image].into(), ..met.clone() },
            "enclave-author-not-accepted",
            "author 0a0a",
        ),
        (
            Acceptance { unique_ids: [author].into(), ..met.clone() },
            "enclave-image-not-accepted",
            "image 0101",
        ),
        (
            Acceptance { minimum_enclave_svn: Some(8), ..met.clone() },
            "enclave-svn-below-minimum",
            "enclave SVN is 7, at least 8",
        ),
        (
            Acceptance { minimum_secure_kernel_svn: Some(9), ..met.clone() },
            "enclave-svn-below-minimum",
            "secure kernel SVN is 8, at least 9",
        ),
        (
            Acceptance { minimum_platform_svn: Some(10), ..met.clone() },
            "enclave-svn-below-minimum",
            "platform SVN is 9, at least 10",
        ),
    ] {
        assert_eq!(checks(&unmet, &report), [check]);
        let error = unmet.check(&report).unwrap_err();
        assert!(error.to_string().starts_with(says), "{error}");
    }
}

#[test]
fn all_that_is_not_accepted_is_told_at_once() {
    let strict = Acceptance {
        refuse_debuggable: true,
        author_ids: [Hex([0; 32])].into(),
        unique_ids: [Hex([0; 32])].into(),
        minimum_enclave_svn: Some(100),
        ..Acceptance::default()
    };
    let found = checks(&strict, &report(1));
    let expected = [
        "debuggable",
        "enclave-author-not-accepted",
        "enclave-image-not-accepted",
        "enclave-svn-below-minimum",
    ];
    assert_eq!(found, expected);
}
