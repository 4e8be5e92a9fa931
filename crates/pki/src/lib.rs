//! X.509 paths and certificate revocation lists at a given time, signature checks and digests,
//! over one crypto provider (aws-lc).
//!
//! What this crate proves: that a certificate or CRL was signed, directly or through verified
//! certificates, by a [`TrustAnchor`] that the caller chose, and that each link was valid at the
//! moment the caller named. What it does not: that the anchor deserves trust, that a certificate
//! is not revoked (ask a [`VerifiedCrl`]), or what a certificate's extensions mean.
//!
//! What constrains a path and is not implemented (names, policies) is refused, whether critical or
//! not. Structures are read strictly, by one reader of our own: what it takes has one encoding,
//! but for `FALSE` written out where DER leaves it out.
//!
//! Parsed and trusted are different types. [`Certificate`] and [`Crl`] are bytes with structure;
//! [`VerifiedCertificate`] and [`VerifiedCrl`] are made only by [`verify_issued`],
//! [`verify_pinned`] and [`verify_crl`]. No clock is read.

mod certificate;
mod checks;
mod crl;
pub mod der;
pub mod digest;
pub mod ecdsa;
mod extension;
mod hash;
mod key;
mod name;
pub mod oid;
mod path;
pub mod pem;
mod roca;
mod signature;
mod signed;
mod window;

pub use certificate::{Certificate, CertificateError};
pub use checks::{CrlChecks, PathChecks, WindowChecks};
pub use crl::{Crl, CrlError, VerifiedCrl, verify_crl};
pub use extension::Extension;
pub use hash::{Digest, HashAlgorithm};
pub use key::{KEY_READ_BYTES, KeyError, KeyKind, PublicKey};
pub use name::{Name, Serial};
pub use path::{
    Issuer, PathError, PathErrorKind, Role, Root, TrustAnchor, VerifiedCertificate,
    verify_anchor_copy, verify_issued, verify_issued_understanding, verify_pinned,
};
pub use signature::{SignatureError, SignatureScheme};
pub use window::{OutsideWindow, Window};
