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
//! use avouch_mint::{Expected, Options, Stage, mint};
//! use avouch_wire::{EvidenceKind, UnixTime};
//!
//! let at = UnixTime::from_rfc3339("2026-01-31T12:00:00Z")?;
//! let good = mint(EvidenceKind::Sgx, &Options::new(at))?;
//! let bad = mint(EvidenceKind::Sgx, &Options::new(at).broken("pck-revoked"))?;
//! assert_eq!(good.expected, Expected::Accepted);
//! let check = "pck-certificate-revoked";
//! assert_eq!(bad.expected, Expected::Refused { stage: Stage::Verification, check });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod bootlog;
mod breaks;
mod error;
pub mod ima;
mod intel;
mod minted;
mod options;
mod p256;
mod request;
mod seed;
pub mod snp;
pub mod tpm;
pub mod vbs;
mod x509;

use avouch_pki::der::write as der;
use avouch_wire::EvidenceKind;

pub use breaks::{Break, Stage};
pub use error::MintError;
pub use intel::{
    ChainStyle, EnclaveOptions, Kss, OpenEnclaveFormat, PckCa, PlatformOptions, TD_DEBUG,
    TD_MIGRATABLE, TD_SEPT_VE_DISABLE, TcbInfoVersion, TcbStatus, TdOptions, TdQuoteFormat,
    open_enclave_endorsements, serialize_custom_claims,
};
pub use minted::{Expected, Minted};
pub use options::{HeldData, HeldDataType, Options};
pub use seed::Seed;

/// How evidence of a kind is minted, and in which ways it can be broken.
struct Minter {
    mint: fn(EvidenceKind, &Options) -> Result<Minted, MintError>,
    breaks: fn(EvidenceKind) -> &'static [Break],
}

const INTEL: Minter = Minter { mint: intel::mint, breaks: intel::breaks };
const SNP: Minter = Minter { mint: |_, options| snp::mint(options), breaks: |_| snp::breaks() };

const TPM: Minter =
    Minter { mint: |_, options| tpm::mint_request(options), breaks: |_| tpm::request_breaks() };

const GUEST: Minter =
    Minter { mint: |_, options| tpm::guest::mint(options), breaks: |_| tpm::guest::breaks() };

const fn minter(kind: EvidenceKind) -> Option<Minter> {
    match kind {
        EvidenceKind::Sgx | EvidenceKind::OpenEnclave | EvidenceKind::Tdx => Some(INTEL),
        EvidenceKind::Snp => Some(SNP),
        EvidenceKind::Tpm => Some(TPM),
        EvidenceKind::AzureGuest => Some(GUEST),
        _ => None,
    }
}

/// Mints evidence of `kind` as `options` say.
///
/// # Errors
/// [`MintError::NotMinted`] if this build cannot mint the kind;
/// [`MintError::UnknownBreak`] if the kind has no break of that name;
/// [`MintError::Contradiction`] if options do not go together;
/// [`MintError::TooLong`] if data does not fit its length field.
pub fn mint(kind: EvidenceKind, options: &Options) -> Result<Minted, MintError> {
    let minter = minter(kind).ok_or(MintError::NotMinted(kind))?;
    (minter.mint)(kind, options)
}

/// The ways in which evidence of a kind can be broken, each wrong in one point only.
#[must_use]
pub fn breaks(kind: EvidenceKind) -> &'static [Break] {
    minter(kind).map_or(&[], |minter| (minter.breaks)(kind))
}
