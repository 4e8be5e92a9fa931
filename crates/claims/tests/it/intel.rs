//! Minted quotes, verified as every quote is.

use avouch_dcap::open_enclave::OpenEnclave;
use avouch_dcap::{Collateral, Quote, TrustAnchors, VerifiedQuote, verify};
use avouch_mint::{Minted, Options, mint};
use avouch_wire::EvidenceKind;

pub(crate) fn minted(kind: EvidenceKind, options: &Options) -> (Minted, VerifiedQuote) {
    let minted = mint(kind, options).unwrap();
    let anchors = TrustAnchors::none().with_pem(minted.root_pem.as_bytes()).unwrap();
    let collateral = Collateral::parse_json(&minted.endorsements).unwrap();
    let judge = |quote: &Quote<'_>| verify(quote, &collateral, &anchors, minted.at).unwrap();
    let verified = match kind {
        EvidenceKind::OpenEnclave => judge(OpenEnclave::parse(&minted.evidence).unwrap().quote()),
        _ => judge(&Quote::parse(&minted.evidence).unwrap()),
    };
    (minted, verified)
}
