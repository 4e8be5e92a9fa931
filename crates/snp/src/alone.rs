//! One thing that AMD publishes, verified by itself: whoever fetches or files it need not have a
//! report.

use std::sync::Arc;

use avouch_pki::{Crl, VerifiedCrl};
use avouch_wire::{Hex, UnixTime};

use crate::chain::{chip_id_is, limit};
use crate::endorsement_key::check_roots;
use crate::{
    Anchor, Chain, Product, RawTcb, TrustAnchors, VekKind, VerifiedEndorsementKey,
    VerifiedIntermediate, VerifyError, crls, verify_intermediate,
};

/// Verifies the chain of a product's endorsement keys as AMD publishes it: one ASK or ASVK, and copies
/// of the ARK above. What it issues and for which product, the outcome says.
///
/// Not proven: that it is not revoked; [`crate::verify_chain`] asks that.
///
/// # Errors
/// [`VerifyError`]: no intermediate, more than one, anything beside it but copies of its root, or a
/// link that does not hold at `at`.
pub fn verify_issuer_chain(
    chain: &Chain,
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<VerifiedIntermediate, VerifyError> {
    limit("endorsement keys in the chain of their issuer", chain.leaves().count(), 0)?;
    let intermediates = chain.intermediates();
    limit("intermediates", intermediates.len(), 1)?;
    let found = intermediates.first().ok_or_else(|| VerifyError::IntermediateMissing {
        issuer: "any endorsement key".to_owned(),
    })?;
    let verified = verify_intermediate(found, anchors, at)?;
    check_roots(chain, anchors, verified.product())?;
    Ok(verified)
}

/// Verifies a CRL under the trusted roots that it names as its issuer; that root comes with it.
///
/// # Errors
/// [`VerifyError::CrlIssuer`] for one of a foreign root, [`VerifyError::Crl`] for one that does not
/// verify or is not current at `at`.
pub fn verify_root_crl(
    crl: &Crl,
    anchors: &TrustAnchors,
    at: UnixTime,
) -> Result<(Arc<Anchor>, VerifiedCrl), VerifyError> {
    crls::verify_one(crl, anchors, at)
}

impl VerifiedEndorsementKey {
    /// Whether it is the VCEK of this product that a report with this CHIP_ID and REPORTED_TCB needs.
    #[must_use]
    pub fn is_vcek_of(&self, product: Product, chip_id: &Hex<64>, reported_tcb: RawTcb) -> bool {
        let extensions = self.extensions();
        let is_of_chip =
            extensions.hardware_id().is_some_and(|id| chip_id_is(chip_id, id, product));
        self.kind() == VekKind::Vcek
            && self.product() == product
            && is_of_chip
            && extensions.first_mismatch(product, reported_tcb).is_none()
    }
}
