//! Verification of evidence under a vendor PKI of our own: needs no file.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test may stop the process")]

mod acceptance;
mod collateral;
mod structure;
mod verification;

use avouch_dcap::{Collateral, Quote, TrustAnchors, VerifiedQuote, VerifyError, verify};
use avouch_mint::{Minted, Options, mint};
use avouch_wire::{EvidenceKind, UnixTime};

pub(crate) fn at() -> UnixTime {
    "2026-01-31T12:00:00Z".parse().expect("time")
}

pub(crate) fn minted(kind: EvidenceKind, change: impl FnOnce(&mut Options)) -> Minted {
    let mut options = Options::new(at());
    change(&mut options);
    mint(kind, &options).expect("mints")
}

pub(crate) fn anchors(minted: &Minted) -> TrustAnchors {
    TrustAnchors::intel().with_pem(minted.root_pem.as_bytes()).expect("root")
}

pub(crate) fn collateral(minted: &Minted) -> Collateral {
    Collateral::parse_json(&minted.endorsements).expect("collateral")
}

pub(crate) fn judge(minted: &Minted) -> Result<VerifiedQuote, VerifyError> {
    let quote = Quote::parse(&minted.evidence)?;
    verify(&quote, &collateral(minted), &anchors(minted), minted.at)
}
