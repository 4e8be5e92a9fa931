//! Every entry of the list of mutations of real evidence has its stated outcome.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test may stop the process")]

mod support;

use avouch_dcap::{Collateral, Quote, TrustAnchors, VerifiedQuote, VerifyError, verify};
use avouch_wire::{FailedCheck as _, UnixTime};
use support::{apply, json, read, text, time, vectors};

fn judge(bytes: &[u8], collateral: &[u8], at: UnixTime) -> Result<VerifiedQuote, VerifyError> {
    let collateral = Collateral::parse_json(collateral).expect("collateral of the vectors");
    verify(&Quote::parse(bytes)?, &collateral, &TrustAnchors::intel(), at)
}

/// The check that must refuse each entry. Three entries are not refused: padding, and nothing else.
const CHECKS: [(&str, &str); 46] = [
    ("version-2", "quote-version"),
    ("version-4-on-v3-body", "tee-type"),
    ("att-key-type-3", "attestation-key-type"),
    ("tee-type-tdx-in-v3", "tee-type"),
    ("qe-vendor-id", "qe-vendor-id"),
    ("header-user-data-bit", "quote-signature"),
    ("mrenclave-bit", "quote-signature"),
    ("debug-bit-set", "quote-signature"),
    ("report-data-bit", "quote-signature"),
    ("siglen-minus-1", "certification-data-length"),
    ("siglen-max", "signature-data-length"),
    ("siglen-zero", "quote-structure"),
    ("quote-signature-bit", "quote-signature"),
    ("quote-signature-zero", "quote-signature"),
    ("attestation-key-bit", "qe-report-binding"),
    ("qe-report-mrsigner-bit", "qe-report-signature"),
    ("qe-report-data-bit", "qe-report-signature"),
    ("qe-report-signature-bit", "qe-report-signature"),
    ("qe-auth-len-max", "qe-authentication-data-length"),
    ("qe-auth-len-31", "certification-data-length"),
    ("qe-auth-bit", "qe-report-binding"),
    ("cert-type-0", "certification-data-type"),
    ("cert-type-6-in-v3", "certification-data-type"),
    ("cert-len-max", "certification-data-length"),
    ("cert-len-minus-1", "quote-structure"),
    ("pck-cert-bit", "pck-certificate-signature"),
    ("truncate-1", "signature-data-length"),
    ("truncate-435", "signature-data-length"),
    ("truncate-47", "quote-structure"),
    ("empty", "quote-structure"),
    ("tdx-outer-cert-type-5", "certification-data-type"),
    ("tdx-mrtd-bit", "quote-signature"),
    ("tdx-rtmr3-bit", "quote-signature"),
    ("tdx-tee-tcb-svn-raise", "quote-signature"),
    ("tdx-tee-type-sgx", "tee-type"),
    ("tdx-version-5", "body-type"),
    ("v5-body-size-max", "body-size"),
    ("v5-body-type-3-size-885", "body-size"),
    ("v5-body-type-1-in-tdx", "body-type"),
    ("v5-body-type-9", "body-type"),
    ("collateral-of-another-fmspc", "pck-crl-of-other-ca"),
    ("tdx-collateral-for-sgx-quote", "pck-crl-of-other-ca"),
    ("sgx-collateral-for-tdx-quote", "pck-crl-of-other-ca"),
    ("before-issue-date", "pck-crl-not-yet-valid"),
    ("after-next-update", "pck-crl-expired"),
    ("far-future", "pck-ca-certificate-expired"),
];

#[test]
fn every_listed_mutation_has_its_stated_outcome() {
    let Some(folder) = vectors() else { return };
    let mutations = json(&folder, "mutations.json");
    let mutations = mutations.as_array().expect("list");
    assert_eq!(mutations.len(), CHECKS.len() + 2);
    let mut wrong = Vec::new();
    for mutation in mutations {
        let name = text(mutation, "name");
        let mut bytes = read(&folder, text(mutation, "base"));
        apply(&mut bytes, &mutation["ops"]);
        let collateral = read(&folder, text(mutation, "collateral"));
        let outcome = judge(&bytes, &collateral, time(&mutation["evaluation_time_unix"]));
        let expected = CHECKS.iter().find(|(listed, _)| *listed == name).map(|(_, check)| *check);
        assert_eq!(expected.is_none(), text(mutation, "expect").starts_with("accept"), "{name}");
        let found = outcome.as_ref().err().map(VerifyError::check);
        if found != expected {
            wrong.push(format!("{name}: expected {expected:?}, got {found:?} ({outcome:?})"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn padding_changes_no_fact() {
    let Some(folder) = vectors() else { return };
    let bytes = read(&folder, "sgx/sgx-v3-release-00a067110000.bin");
    let collateral = read(&folder, "collateral/sgx-00a067110000-e17-2025-06-19.json");
    let at = "2025-07-04T10:00:00Z".parse().expect("time");
    let plain = judge(&bytes, &collateral, at).expect("plain");
    let padded = [bytes.as_slice(), &[0xde, 0xad, 0xbe, 0xef]].concat();
    assert_eq!(judge(&padded, &collateral, at).expect("padded"), plain);
    let oversized = [bytes, vec![0; avouch_dcap::QUOTE_BYTES_MAX]].concat();
    assert_eq!(
        judge(&oversized, &collateral, at).expect_err("too large").check(),
        "quote-structure"
    );
}
