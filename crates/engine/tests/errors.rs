//! What becomes of the errors of evidence.
#![cfg(test)]

use avouch_claims::HeldDataError;
use avouch_engine::{AppraisalError, HeldDataRefused};
use avouch_wire::{FailedCheck, ParseError, ParseErrorKind, failed_check};

/// The error of a kind of evidence that the engine has never heard of.
#[derive(Debug, thiserror::Error)]
#[error("PCR {index} is {found}, expected {expected}")]
struct PcrError {
    index: u8,
    expected: &'static str,
    found: &'static str,
}

failed_check!(PcrError {
    _ => "pcr-value",
});

fn refuse() -> Result<(), AppraisalError> {
    Err(PcrError { index: 7, expected: "aa", found: "bb" })?;
    Ok(())
}

#[test]
fn an_error_of_any_kind_of_evidence_keeps_its_check_and_its_words() {
    let error = refuse().unwrap_err();
    assert_eq!(error.check(), "pcr-value");
    assert_eq!(error.to_string(), "PCR 7 is bb, expected aa");
}

#[test]
fn held_data_is_refused_by_the_check_of_the_evidence_or_by_that_of_the_member() {
    let refused = |member, source| HeldDataRefused::<PcrError> { member, source };
    let unbound = refused(
        "runtimeData",
        HeldDataError::NotBound(PcrError { index: 1, expected: "a", found: "b" }),
    );
    assert_eq!(unbound.check(), "pcr-value");
    assert_eq!(unbound.to_string(), "runtimeData PCR 1 is b, expected a");
    for (member, check) in
        [("runtimeData", "runtime-data-json"), ("initTimeData", "init-time-data-json")]
    {
        let inexact = refused(member, HeldDataError::InexactNumber("1e999".to_owned()));
        assert_eq!(inexact.check(), check);
        assert!(HeldDataRefused::<PcrError>::checks().contains(&check));
    }
    for member in ["runtimeData", "initTimeData"] {
        let long = refused(member, HeldDataError::TooLong { length: 9, limit: 8 });
        assert_eq!(long.check(), "held-data-length");
        assert_eq!(long.to_string(), format!("{member} has 9 bytes, and at most 8 become a claim"));
    }
    for check in ["pcr-value", "held-data-length"] {
        assert!(HeldDataRefused::<PcrError>::checks().contains(&check));
    }
}

#[test]
fn bytes_that_are_no_structure_fail_the_check_structure() {
    let kind = ParseErrorKind::Trailing { extra: 1 };
    let error = ParseError { structure: "Table", field: "entries", offset: 24, kind };
    let words = error.to_string();
    let error = AppraisalError::from(error);
    assert_eq!((error.check(), error.to_string()), ("structure", words));
}
