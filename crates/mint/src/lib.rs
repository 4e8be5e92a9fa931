//! Evidence with a vendor PKI of our own, valid or broken in exactly one named way.
//!
//! A verifier is worth what it refuses. This crate makes the evidence to try it on: it plays the
//! vendor (root, intermediate CAs, device certificate, signed collateral, revocation lists) and
//! the device (quotes and reports), at any moment in time and from a seed. Every [`Break`] is wrong
//! in one point only, and everything around that point is consistent and well signed, so that it
//! is refused by the one check it names or not at all.
//!
//! What it proves: nothing. Minted evidence verifies only where the minted root was added as a
//! trust anchor, and its names carry the organisation "Avouch Mint".
//!
//! ```
//! use avouch_mint::{Expected, Kind, Options, Stage, mint};
//! use avouch_wire::UnixTime;
//!
//! let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z")?;
//! let good = mint(Kind::Sgx, &Options::new(at))?;
//! let bad = mint(Kind::Sgx, &Options::new(at).broken("pck-revoked"))?;
//! assert_eq!(good.expected, Expected::Accepted);
//! let check = "pck-certificate-revoked";
//! assert_eq!(bad.expected, Expected::Refused { stage: Stage::Verification, check });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod der;
mod error;
mod intel;
mod kind;
mod minted;
mod options;
mod p256;
mod request;
mod seed;
pub mod snp;
mod x509;

pub use error::MintError;
pub use intel::{
    ChainStyle, EnclaveOptions, Kss, OpenEnclaveFormat, PckCa, PlatformOptions, TD_DEBUG,
    TD_MIGRATABLE, TD_SEPT_VE_DISABLE, TcbInfoVersion, TcbStatus, TdOptions, TdQuoteFormat,
    open_enclave_endorsements, serialize_custom_claims,
};
pub use kind::{Break, Kind, Stage};
pub use minted::{Expected, Minted};
pub use options::{HeldData, HeldDataType, Options};
pub use seed::Seed;

/// Mints evidence of `kind` as `options` say.
///
/// # Errors
/// [`MintError::UnknownBreak`] if the kind has no break of that name;
/// [`MintError::Contradiction`] if options do not go together;
/// [`MintError::TooLong`] if data does not fit its length field.
pub fn mint(kind: Kind, options: &Options) -> Result<Minted, MintError> {
    match kind {
        Kind::Sgx | Kind::OpenEnclave | Kind::Tdx => intel::mint(kind, options),
        Kind::Snp => snp::mint(options),
    }
}
