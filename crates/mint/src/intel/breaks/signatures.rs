//! Each signature, one at a time.

use super::{Row, row};
use crate::{
    intel::plan::Keys,
    x509::SignatureFault::{FlippedBit, Zero},
};

/// Breaks of every Intel kind.
pub(super) const ROWS: &[Row] = &[
    row(
        "quote-signature",
        "one bit of the quote signature is another",
        "quote-signature",
        |plan| plan.quote.quote_signature = FlippedBit,
    ),
    row(
        "quote-signature-zero",
        "r and s of the quote signature are zero",
        "quote-signature",
        |plan| plan.quote.quote_signature = Zero,
    ),
    row(
        "quote-signed-by-other-key",
        "the quote is signed by a key that is not the attestation key",
        "quote-signature",
        |plan| plan.quote.quote_signer = Keys::STRANGER,
    ),
    row(
        "quote-signed-by-pck",
        "the quote is signed by the PCK key instead of the attestation key",
        "quote-signature",
        |plan| plan.quote.quote_signer = Keys::PCK,
    ),
    row(
        "qe-report-signature",
        "one bit of the QE report signature is another",
        "qe-report-signature",
        |plan| plan.quote.qe_report_signature = FlippedBit,
    ),
    row(
        "qe-report-signed-by-other-key",
        "the QE report is signed by a key that is not the PCK",
        "qe-report-signature",
        |plan| plan.quote.qe_report_signer = Keys::STRANGER,
    ),
    row(
        "pck-signature",
        "one bit of the PCK certificate's signature is another",
        "pck-certificate-signature",
        |plan| plan.pck.signature = FlippedBit,
    ),
    row(
        "pck-ca-signature",
        "one bit of the PCK CA certificate's signature is another",
        "pck-ca-certificate-signature",
        |plan| plan.pck_ca.signature = FlippedBit,
    ),
    row(
        "root-signature",
        "one bit of the self-signature of the root that is sent along is another",
        "root-certificate-signature",
        |plan| plan.root.signature = FlippedBit,
    ),
    row(
        "tcb-signer-signature",
        "one bit of the TCB signing certificate's signature is another",
        "tcb-signing-certificate-signature",
        |plan| plan.tcb_signer.signature = FlippedBit,
    ),
    row(
        "tcb-info-signature",
        "one bit of the TCB info's signature is another",
        "tcb-info-signature",
        |plan| plan.tcb_info.signature = FlippedBit,
    ),
    row(
        "tcb-info-signed-by-pck-ca",
        "the TCB info is signed by the PCK CA's key instead of the TCB signer's",
        "tcb-info-signature",
        |plan| plan.tcb_info.signer = Keys::PCK_CA,
    ),
    row(
        "tcb-info-signed-by-root",
        "the TCB info is signed by the root's key instead of the TCB signer's",
        "tcb-info-signature",
        |plan| plan.tcb_info.signer = Keys::ROOT,
    ),
    row(
        "tcb-info-reformatted",
        "the TCB info was written anew after signing: the same values, other white space",
        "tcb-info-signature",
        |plan| plan.tcb_info.edit_after_signing = Some(|text| text.replacen("\":", "\": ", 1)),
    ),
    row(
        "tcb-info-improved",
        "a status of the TCB info was changed after signing",
        "tcb-info-signature",
        |plan| {
            plan.tcb_info.edit_after_signing =
                Some(|text| text.replace("\"OutOfDate\"", "\"UpToDate\""));
        },
    ),
    row(
        "qe-identity-signature",
        "one bit of the QE identity's signature is another",
        "qe-identity-signature",
        |plan| plan.qe_identity.signature = FlippedBit,
    ),
    row(
        "qe-identity-signed-by-other-key",
        "the QE identity is signed by a key that is not the TCB signer's",
        "qe-identity-signature",
        |plan| plan.qe_identity.signer = Keys::STRANGER,
    ),
    row(
        "qe-identity-reformatted",
        "the QE identity was written anew after signing: the same values, other white space",
        "qe-identity-signature",
        |plan| plan.qe_identity.edit_after_signing = Some(|text| text.replacen("\":", "\": ", 1)),
    ),
    row(
        "root-crl-signature",
        "one bit of the root CRL's signature is another",
        "root-ca-crl-signature",
        |plan| plan.change_root_crl(|crl| crl.signature = FlippedBit),
    ),
    row(
        "pck-crl-signature",
        "one bit of the PCK CRL's signature is another",
        "pck-crl-signature",
        |plan| plan.change_pck_crl(|crl| crl.signature = FlippedBit),
    ),
    row(
        "pck-crl-signed-by-other-key",
        "the PCK CRL is signed by a key that is not the PCK CA's",
        "pck-crl-signature",
        |plan| plan.change_pck_crl(|crl| crl.signer = Keys::STRANGER),
    ),
];
