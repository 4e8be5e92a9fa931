//! Why bytes are no quote.

use avouch_wire::{ParseError, failed_check};
use thiserror::Error;

/// A quote, by itself or wrapped, that is not the structure it claims to be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(transparent)]
pub struct QuoteError(#[from] pub ParseError);

// A field with a meaning of its own, or the structure as a whole.
failed_check!(QuoteError {
    Self(ParseError { field: "version", .. }) => "quote-version",
    Self(ParseError { field: "attestation_key_type", .. }) => "attestation-key-type",
    Self(ParseError { field: "tee_type", .. }) => "tee-type",
    Self(ParseError { field: "qe_vendor_id", .. }) => "qe-vendor-id",
    Self(ParseError { field: "body_type", .. }) => "body-type",
    Self(ParseError { field: "body_size", .. }) => "body-size",
    Self(ParseError { field: "signature_data_length", .. }) => "signature-data-length",
    Self(ParseError { field: "qe_authentication_data", .. }) => "qe-authentication-data-length",
    Self(ParseError {
        field: "outer_certification_data_type" | "certification_data_type", ..
    }) => "certification-data-type",
    Self(ParseError {
        field: "outer_certification_data_length" | "certification_data_length", ..
    }) => "certification-data-length",
    Self(ParseError { field: "open_enclave_version", .. }) => "open-enclave-version",
    Self(ParseError { field: "open_enclave_type", .. }) => "open-enclave-type",
    Self(ParseError { field: "open_enclave_format", .. }) => "open-enclave-format",
    Self(ParseError { field: "open_enclave_size", .. }) => "open-enclave-size",
    _ => "quote-structure",
});
