//! Verifies reports, whatever they came in.

use std::sync::{Arc, PoisonError, RwLock};

use avouch_pki::Crl;
use avouch_snp::{
    Chain, ChainCacheKey, CrlRule, Crls, Report, TrustAnchors, VekKind, VerifiedEndorsementKey,
    VerifiedIntermediate, VerifiedReport, verify_chain, verify_report,
};
use avouch_wire::UnixTime;

use crate::remembered::{Memory, held, memory};
use crate::{AmdWanted, AppraisalError, EndorsementSource, Remembered};

/// Verifies reports, remembering endorsement keys under the hash of the certificates that prove
/// them, and the intermediates above. Dates and revocation are judged on every call.
pub(crate) struct ReportVerifier {
    /// The roots, with the intermediates that were verified under them so far.
    anchors: RwLock<Arc<TrustAnchors>>,
    keys: Memory<ChainCacheKey, VerifiedEndorsementKey>,
    /// Of VCEKs, and of VLEKs.
    crls: [RwLock<Option<Arc<KnownCrls>>>; 2],
}

/// Verified CRLs, with those that they were made of, which are kept alive: their address cannot come
/// to mean others.
struct KnownCrls {
    lists: Arc<Vec<Crl>>,
    rule: CrlRule,
    verified: Arc<Crls>,
}

impl ReportVerifier {
    /// Remembers at most as many bytes of endorsement keys.
    pub(crate) fn new(anchors: TrustAnchors, key_bytes: u64) -> Self {
        Self {
            anchors: RwLock::new(Arc::new(anchors)),
            keys: memory(key_bytes),
            crls: Default::default(),
        }
    }

    pub(super) fn remembered(&self) -> Remembered {
        held(&self.keys)
    }

    /// Verifies a report by the certificates that were `sent` with it, each in DER or several in PEM;
    /// by those at hand if none could be.
    pub(crate) fn verify(
        &self,
        report: &Report,
        sent: Option<&[&[u8]]>,
        endorsements: &dyn EndorsementSource,
        at: UnixTime,
    ) -> Result<VerifiedReport, AppraisalError> {
        let crls = self.crls(endorsements, &AmdWanted { report, at })?;
        let key = self.endorsement_key(report, sent, &crls, endorsements, at)?;
        Ok(verify_report(report, &key, &crls, at)?)
    }

    /// The key of a chain, remembered by the certificates that came along.
    ///
    /// One that is outside of its window is judged afresh, so that the refusal names the same
    /// certificate whether or not it is remembered. A chain that was completed from the endorsements
    /// at hand is not remembered: what is at hand may change. Nor is one with more in it than was
    /// judged: of such there are as many as a sender likes.
    fn endorsement_key(
        &self,
        report: &Report,
        sent: Option<&[&[u8]]>,
        crls: &Crls,
        endorsements: &dyn EndorsementSource,
        at: UnixTime,
    ) -> Result<Arc<VerifiedEndorsementKey>, AppraisalError> {
        let cache_key = sent.map(ChainCacheKey::of);
        let known = cache_key.and_then(|cache_key| self.keys.get(&cache_key));
        if let Some(known) = known.filter(|known| known.window().check(at).is_ok()) {
            return Ok(known);
        }
        let anchors = self.anchors();
        let chain = match sent {
            Some(sent) => Chain::parse_sent(sent, &anchors)?,
            None => endorsements.amd(&AmdWanted { report, at })?,
        };
        let key = Arc::new(verify_chain(&chain, &anchors, crls, at)?);
        if let Some(cache_key) = cache_key {
            self.remember(key.intermediate());
            if chain.is_plain() {
                self.keys.insert(cache_key, Arc::clone(&key));
            }
        }
        Ok(key)
    }

    fn anchors(&self) -> Arc<TrustAnchors> {
        Arc::clone(&self.anchors.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whoever is reading certificates meanwhile goes on with the anchors that they began with.
    fn remember(&self, intermediate: &VerifiedIntermediate) {
        if self.anchors().intermediate(intermediate.fingerprint_sha256()).is_some() {
            return;
        }
        let mut place = self.anchors.write().unwrap_or_else(PoisonError::into_inner);
        let mut anchors = TrustAnchors::clone(&place);
        anchors.remember(intermediate.clone());
        *place = Arc::new(anchors);
    }

    /// The CRLs at hand, verified once for as long as all of them are current.
    fn crls(
        &self,
        endorsements: &dyn EndorsementSource,
        wanted: &AmdWanted<'_>,
    ) -> Result<Arc<Crls>, AppraisalError> {
        let [for_vceks, for_vleks] = &self.crls;
        let place = match wanted.report.signing_key() {
            VekKind::Vcek => for_vceks,
            VekKind::Vlek => for_vleks,
        };
        let (lists, rule) = (endorsements.amd_crls(wanted), endorsements.amd_crl_rule(wanted));
        let known = place.read().ok().and_then(|known| known.clone());
        if let Some(known) = known
            && Arc::ptr_eq(&known.lists, &lists)
            && known.rule == rule
            && known.verified.window().is_none_or(|window| window.check(wanted.at).is_ok())
        {
            return Ok(Arc::clone(&known.verified));
        }
        let verified = Crls::verify(&lists, &self.anchors(), wanted.at)?.with_rule(rule);
        let verified = Arc::new(verified);
        if let Ok(mut place) = place.write() {
            let verified = Arc::clone(&verified);
            *place = Some(Arc::new(KnownCrls { lists, rule, verified }));
        }
        Ok(verified)
    }
}
