//! The request: ways that [TPM evidence](crate::tpm::breaks) has, on a request that attests an enclave.

use super::{Row, chosen};

const MEMBER: &str = "tpm-request-member";

/// Breaks of the request.
pub(super) const ROWS: &[Row] = &[
    chosen("vbs-without-report", "the enclave has no report", MEMBER, |options| {
        options.tpm.break_name = Some("vbs-without-report".to_owned());
    }),
    chosen(
        "vbs-report-of-first-version",
        "the enclave's report stands where the first version has it",
        MEMBER,
        |options| options.tpm.break_name = Some("vbs-report-of-first-version".to_owned()),
    ),
    chosen(
        "vbs-two-statements",
        "what the enclave vouches for has another such statement in it",
        MEMBER,
        |options| options.tpm.break_name = Some("vbs-two-statements".to_owned()),
    ),
    chosen(
        "vbs-called-basic",
        "a request about an enclave says that it is about none",
        MEMBER,
        |options| options.tpm.break_name = Some("vbs-called-basic".to_owned()),
    ),
    chosen(
        "request-signature",
        "one bit of the request's signature is another",
        "tpm-request-signature",
        |options| options.tpm.break_name = Some("request-signature".to_owned()),
    ),
];
