//! Verifies quotes, whatever they came in.

use std::sync::Arc;

use avouch_dcap::{
    Collateral, CollateralRequirements, JudgedQuote, PlatformCacheKey, Quote, TcbEvaluation,
    TrustAnchors, VerifiedCollateral, VerifiedPlatform, judge_quote, verify_platform,
};
use avouch_wire::UnixTime;

use crate::remembered::{Held, Memory, held, memory};
use crate::{AppraisalError, EndorsementSource, IntelWanted, NotAtHand, Remembered};

/// Verifies quotes, remembering what content proves: platforms with what proves them, collateral by
/// identity. Dates, revocation and TCB are judged on every call.
pub(crate) struct QuoteVerifier {
    anchors: TrustAnchors,
    platforms: Memory<PlatformCacheKey, VerifiedPlatform>,
    collateral: Memory<CollateralCacheKey, KnownCollateral>,
}

/// Address of a set and the evaluation data number demanded of it. The entry keeps the set alive,
/// so the address cannot come to mean another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct CollateralCacheKey {
    address: usize,
    evaluation_data_number: Option<u32>,
}

impl CollateralCacheKey {
    fn of(collateral: &Arc<Collateral>, evaluation_data_number: Option<u32>) -> Self {
        Self { address: Arc::as_ptr(collateral).addr(), evaluation_data_number }
    }
}

struct KnownCollateral {
    kept_alive: Arc<Collateral>,
    verified: VerifiedCollateral,
}

impl Held for KnownCollateral {
    /// The set itself, and its documents and certificates as they were read.
    fn bytes_held(&self) -> usize {
        self.kept_alive.bytes().saturating_mul(4)
    }
}

impl QuoteVerifier {
    /// Remembers at most so many bytes: two thirds of them platforms, a third collateral.
    pub(crate) fn new(anchors: TrustAnchors, bytes: u64) -> Self {
        let third = bytes / 3;
        Self { anchors, platforms: memory(third.saturating_mul(2)), collateral: memory(third) }
    }

    pub(super) fn remembered(&self) -> Remembered {
        held(&self.platforms).and(held(&self.collateral))
    }

    /// Collateral that is not at hand any more needs no memory.
    pub(super) fn forget_collateral(&self) {
        self.collateral.invalidate_all();
    }

    /// Verifies a quote by the collateral at hand for its platform, of the TCB recovery demanded.
    pub(crate) fn verify(
        &self,
        quote: &Quote<'_>,
        evaluation: TcbEvaluation,
        endorsements: &dyn EndorsementSource,
        at: UnixTime,
    ) -> Result<JudgedQuote, AppraisalError> {
        let platform = self.platform(quote, at)?;
        let collateral = self.collateral(quote, &platform, evaluation, endorsements, at)?;
        Ok(judge_quote(quote, &platform, &collateral.verified, at)?)
    }

    /// The platform of a quote, remembered until another is proven in its place.
    fn platform(
        &self,
        quote: &Quote<'_>,
        at: UnixTime,
    ) -> Result<Arc<VerifiedPlatform>, AppraisalError> {
        let key = PlatformCacheKey::of(quote, &self.anchors);
        if let Some(known) = self.platforms.get(&key).filter(|known| known.is_proven_by(quote)) {
            return Ok(known);
        }
        let platform = Arc::new(verify_platform(quote, &self.anchors, at)?);
        self.platforms.insert(key, Arc::clone(&platform));
        Ok(platform)
    }

    /// Collateral for a verified platform, verified once.
    fn collateral(
        &self,
        quote: &Quote<'_>,
        platform: &VerifiedPlatform,
        evaluation: TcbEvaluation,
        endorsements: &dyn EndorsementSource,
        at: UnixTime,
    ) -> Result<Arc<KnownCollateral>, AppraisalError> {
        let pck = platform.pck();
        let wanted = IntelWanted {
            tee: quote.tee_type(),
            fmspc: pck.fmspc,
            pce_id: pck.pce_id,
            pck_ca: platform.pck_ca_name(),
            evaluation,
            at,
        };
        let collateral = endorsements.intel(&wanted).ok_or_else(|| missing(&wanted))?;
        let number = match evaluation {
            TcbEvaluation::Number(number) => Some(number),
            TcbEvaluation::Standard | TcbEvaluation::Early => None,
        };
        let key = CollateralCacheKey::of(&collateral, number);
        if let Some(known) = self.collateral.get(&key) {
            return Ok(known);
        }
        let requirements = CollateralRequirements {
            evaluation_data_number: number,
            ..CollateralRequirements::default()
        };
        let verified = collateral.verify_with(&self.anchors, at, &requirements)?;
        let known = Arc::new(KnownCollateral { kept_alive: collateral, verified });
        self.collateral.insert(key, Arc::clone(&known));
        Ok(known)
    }
}

fn missing(wanted: &IntelWanted<'_>) -> NotAtHand {
    if let TcbEvaluation::Number(number) = wanted.evaluation {
        return NotAtHand::TcbBaseline { identifier: number.to_string() };
    }
    NotAtHand::Endorsements {
        platform: format!(
            "{} platforms with FMSPC {} and PCEID {} under {:?}",
            wanted.tee, wanted.fmspc, wanted.pce_id, wanted.pck_ca
        ),
    }
}
