//! Why what AMD certified about a chip is refused.

use avouch_wire::failed_check;
use thiserror::Error;

use crate::{Product, VekKind};

/// Why an extension of a VCEK or VLEK is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum VekExtensionError {
    /// It is not there.
    #[error("extension {name} ({oid}) is missing")]
    Missing {
        /// AMD's name.
        name: &'static str,
        /// Its identifier.
        oid: &'static str,
    },
    /// It is there and must not be.
    #[error("extension {name} ({oid}) must not stand in a {kind} certificate of {product}")]
    Unexpected {
        /// AMD's name.
        name: &'static str,
        /// Its identifier.
        oid: &'static str,
        /// Kind of the certificate.
        kind: VekKind,
        /// Product of the certificate.
        product: Product,
    },
    /// Not a DER INTEGER from 0 to 255 in its shortest form.
    #[error("extension {name} ({oid}) is no integer from 0 to 255 in DER: {found}")]
    Integer {
        /// AMD's name.
        name: &'static str,
        /// Its identifier.
        oid: &'static str,
        /// The bytes in hex.
        found: String,
    },
    /// Not a DER IA5String.
    #[error("extension {name} ({oid}) is no IA5String in DER: {found}")]
    Text {
        /// AMD's name.
        name: &'static str,
        /// Its identifier.
        oid: &'static str,
        /// The bytes in hex.
        found: String,
    },
    /// A structure version that is not known.
    #[error("structure version is {found}, expected 0 or 1")]
    StructureVersion {
        /// The version.
        found: u8,
    },
    /// Neither raw nor wrapped in an OCTET STRING.
    #[error("hardware id has {found} bytes, expected {expected}, raw or as an OCTET STRING")]
    HardwareId {
        /// Bytes of the id itself.
        expected: usize,
        /// Bytes of the extension's value.
        found: usize,
    },
}

failed_check!(VekExtensionError {
    Self::Missing { .. } => "vek-extension-missing",
    Self::Unexpected { .. } => "vek-extension-unexpected",
    Self::Integer { .. } => "vek-extension-integer",
    Self::Text { .. } => "vek-extension-text",
    Self::StructureVersion { .. } => "vek-structure-version",
    Self::HardwareId { .. } => "vek-hardware-id",
});
