//! The quote's bytes: header fields, certification data types, and every length field.

use super::{Row, row};
use crate::intel::quote::{CERTIFICATION_QE_REPORT, Layout, TEE_SGX, TEE_TDX};

/// A length that no buffer here reaches, yet fits the field.
const HUGE: i64 = 0x7fff_0000;

/// Breaks of every Intel kind.
pub(super) const ROWS: &[Row] = &[
    row("version-2", "the quote's version is 2", "quote-version", |plan| {
        plan.quote.header.version = 2;
    }),
    row(
        "key-type-p384",
        "the attestation key is said to be P-384",
        "attestation-key-type",
        |plan| {
            plan.quote.header.key_type = 3;
        },
    ),
    row(
        "key-type-epid",
        "the quote is said to be signed with EPID",
        "attestation-key-type",
        |plan| {
            plan.quote.header.key_type = 0;
        },
    ),
    row("other-vendor", "the QE's vendor id is not Intel's", "qe-vendor-id", |plan| {
        let [first, ..] = &mut plan.quote.header.vendor_id;
        *first ^= 1;
    }),
    row("other-tee-type", "the header names the other TEE", "tee-type", |plan| {
        let tee_type = &mut plan.quote.header.tee_type;
        *tee_type = if *tee_type == TEE_TDX { TEE_SGX } else { TEE_TDX };
    }),
    row("header-short", "the quote ends inside its header", "quote-structure", |plan| {
        plan.quote.truncated_to = Some(47);
    }),
    row("body-short", "the quote ends inside its body", "quote-structure", |plan| {
        plan.quote.truncated_to = Some(400);
    }),
    row(
        "signature-data-length-long",
        "the declared signature data is one byte longer than the quote",
        "signature-data-length",
        |plan| plan.quote.signature_data_length_skew = 1,
    ),
    row(
        "signature-data-length-huge",
        "the declared signature data has about two gibibytes",
        "signature-data-length",
        |plan| plan.quote.signature_data_length_skew = HUGE,
    ),
    row(
        "signature-data-length-short",
        "the declared signature data is 64 bytes shorter than its content",
        "certification-data-length",
        |plan| plan.quote.signature_data_length_skew = -64,
    ),
    row(
        "signature-data-leftover",
        "a byte follows the certification data inside the signature data",
        "quote-structure",
        |plan| plan.quote.leftover.push(0),
    ),
    row(
        "auth-length-huge",
        "the QE authentication data is declared longer than what follows",
        "qe-authentication-data-length",
        |plan| plan.quote.auth_length_skew = 0xf000,
    ),
    row(
        "auth-length-short",
        "the QE authentication data is declared one byte short, so all that follows shifts",
        "certification-data-length",
        |plan| plan.quote.auth_length_skew = -1,
    ),
    row(
        "certification-length-long",
        "the certification data is declared 64 bytes longer than what is left",
        "certification-data-length",
        |plan| plan.quote.certification_length_skew = 64,
    ),
    row(
        "certification-length-huge",
        "the certification data is declared with about two gibibytes",
        "certification-data-length",
        |plan| plan.quote.certification_length_skew = HUGE,
    ),
    row(
        "certification-length-short",
        "the certification data is declared one byte short; a byte is left over",
        "quote-structure",
        |plan| plan.quote.certification_length_skew = -1,
    ),
    row(
        "certification-type-0",
        "the certification data is of a type that does not exist",
        "certification-data-type",
        |plan| plan.quote.certification_type = 0,
    ),
    row(
        "certification-type-4",
        "the certification data is said to be a lone PCK certificate",
        "certification-data-type",
        |plan| plan.quote.certification_type = 4,
    ),
    row(
        "certification-type-7",
        "the certification data is said to be a platform manifest",
        "certification-data-type",
        |plan| plan.quote.certification_type = 7,
    ),
    row(
        "certification-type-6",
        "the certification data that holds the chain is said to be a QE report",
        "certification-data-type",
        |plan| plan.quote.certification_type = CERTIFICATION_QE_REPORT,
    ),
];

/// Breaks of bare quotes, SGX and TDX.
pub(super) const BARE_ROWS: &[Row] =
    &[row("empty", "the quote is empty", "quote-structure", |plan| {
        plan.quote.truncated_to = Some(0);
    })];

/// Breaks of bare SGX quotes.
pub(super) const SGX_ROWS: &[Row] = &[
    row(
        "quote-v4-of-enclave",
        "a consistent quote v4 holds an SGX body, which nothing in production makes",
        "tee-type",
        |plan| {
            plan.quote.layout = Layout::V4;
            plan.quote.header.version = 4;
        },
    ),
    row(
        "quote-v5-of-enclave",
        "a consistent quote v5 holds an SGX body, which nothing in production makes",
        "tee-type",
        |plan| {
            plan.quote.layout = Layout::V5;
            plan.quote.header.version = 5;
        },
    ),
];

/// Breaks of TDX quotes.
pub(super) const TDX_ROWS: &[Row] = &[row(
    "quote-v3-of-td",
    "a consistent quote v3 holds a TD body, which the version cannot",
    "tee-type",
    |plan| {
        plan.quote.layout = Layout::V3;
        plan.quote.header.version = 3;
    },
)];
