//! Each signature, one at a time.

use super::{Row, row};
use crate::{
    intel::plan::Keys,
    x509::SignatureFault::{FlippedBit, Zero},
};

pub(super) const ROWS: &[Row] = &[
    row(
        "quote-signature",
        "one bit of the quote signature is another",
        "quote-signature",
        |plan| {
            plan.quote.quote_signature = FlippedBit;
        },
    ),
    row(
        "quote-signature-zero",
        "r and s of the quote signature are zero",
        "quote-signature",
        |plan| {
            plan.quote.quote_signature = Zero;
        },
    ),
    row(
        "quote-signed-by-other-key",
        "the quote is signed by a key that is not the attestation key",
        "quote-signature",
        |plan| plan.quote.quote_signer = Keys::STRANGER,
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
];
