//! The arm for SEV-SNP.

use std::sync::{Arc, PoisonError, RwLock};

use avouch_claims::{BoundData, snp};
use avouch_snp::ghcb::CertificateTable;
use avouch_snp::maa_request::{MaaRequestError, SnpEvidence};
use avouch_snp::{
    Anchors, Crls, REPORT_LENGTH, Report, VerifiedEndorsementKey, VerifiedIntermediate,
    bind_init_time_data, bind_runtime_data, chain_cache_key, uvm, verify_chain, verify_report,
};
use avouch_wire::{Hex, UnixTime, base64url};

use crate::appraisal::VerifiedEvidence;
use crate::appraise::Verified;
use crate::remembered::{Memory, held, memory};
use crate::{
    AppraisalError, AppraisalRequest, AppraisalSettings, EndorsementSource, EvidenceKind,
    Remembered,
};

/// Verifies reports, remembering endorsement keys under the hash of the certificates that prove
/// them, and the intermediates above. Dates and revocation are judged on every call.
pub(crate) struct SnpAppraiser {
    /// The roots, with the intermediates that were verified under them so far.
    anchors: RwLock<Arc<Anchors>>,
    keys: Memory<Hex<32>, VerifiedEndorsementKey>,
    crls: RwLock<Option<KnownCrls>>,
}

/// Verified CRLs, with the endorsements that they are from: other endorsements have others. They are
/// kept alive, so that their address cannot come to mean others.
type KnownCrls = (Arc<dyn EndorsementSource>, Arc<Crls>);

/// A report with what came along. Certificates are read only if they are not known by their bytes.
enum Submitted<'a> {
    /// MAA's JSON document.
    Document(Box<SnpEvidence>),
    /// A bare report.
    Bare(Box<Report>),
    /// A report with a certificate table behind it.
    Extended(Box<Report>, CertificateTable<'a>),
}

impl<'a> Submitted<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, AppraisalError> {
        if bytes.trim_ascii_start().first() == Some(&b'{') {
            return Ok(Self::Document(Box::new(SnpEvidence::parse(bytes)?)));
        }
        let (report, table) = bytes.split_at_checked(REPORT_LENGTH).unwrap_or((bytes, &[]));
        let report = Box::new(Report::parse(report).map_err(avouch_snp::VerifyError::from)?);
        if table.is_empty() {
            return Ok(Self::Bare(report));
        }
        let table = CertificateTable::parse(table).map_err(AppraisalError::Structure)?;
        Ok(Self::Extended(report, table))
    }

    fn report(&self) -> &Report {
        match self {
            Self::Document(evidence) => evidence.report(),
            Self::Bare(report) | Self::Extended(report, _) => report,
        }
    }

    /// What the verified key of the certificates that came along is remembered under.
    fn cache_key(&self) -> Option<Hex<32>> {
        match self {
            Self::Document(evidence) => Some(chain_cache_key(&[evidence.certificates()])),
            Self::Bare(_) => None,
            Self::Extended(_, table) => Some(chain_cache_key(&table.certificates())),
        }
    }

    /// What endorses the utility VM, each a `COSE_Sign1`.
    fn uvm_endorsements(&self) -> impl Iterator<Item = &[u8]> {
        let evidence = match self {
            Self::Document(evidence) => Some(evidence),
            Self::Bare(_) | Self::Extended(..) => None,
        };
        evidence.into_iter().flat_map(|evidence| evidence.uvm_endorsements())
    }
}

impl SnpAppraiser {
    /// Remembers at most as many bytes of endorsement keys.
    pub(crate) fn new(anchors: Anchors, key_bytes: u64) -> Self {
        Self {
            anchors: RwLock::new(Arc::new(anchors)),
            keys: memory(key_bytes),
            crls: RwLock::new(None),
        }
    }

    pub(crate) fn remembered(&self) -> Remembered {
        held(&self.keys)
    }

    pub(crate) fn verify(
        &self,
        request: &AppraisalRequest,
        settings: &AppraisalSettings,
        endorsements: &Arc<dyn EndorsementSource>,
        at: UnixTime,
    ) -> Result<Verified, AppraisalError> {
        let submitted =
            Submitted::parse(&request.evidence).map_err(|error| named(error, &request.evidence))?;
        let crls = self.crls(endorsements, at)?;
        let key = self.endorsement_key(&submitted, &crls, &**endorsements, at)?;
        let verified = verify_report(submitted.report(), &key, &crls, at)?;

        let mut endorsement = None;
        for cose in submitted.uvm_endorsements() {
            match uvm::verify(cose, &verified, &settings.uvm, at) {
                Ok(found) => endorsement = endorsement.or(Some(Box::new(found))),
                // Genuine, of somebody who does not count here: as if it had not been sent.
                Err(error) if error.is_not_counted() => {}
                Err(error) => return Err(error.into()),
            }
        }
        let runtime_data = bind("runtimeData", request.runtime_data.as_ref(), |bytes| {
            bind_runtime_data(&verified, bytes)
        })?;
        let init_time_data = bind("initTimeData", request.init_time_data.as_ref(), |bytes| {
            bind_init_time_data(&verified, bytes)
        })?;
        let facts = verified.endorsement_key();
        Ok(Verified {
            claims: snp(&verified, endorsement.as_deref()),
            bare_quote_hash: None,
            foreign_root: (!facts.root_is_built_in).then(|| facts.root.clone()),
            evidence: VerifiedEvidence::Report(Box::new(verified), endorsement),
            runtime_data,
            init_time_data,
        })
    }

    /// The key of a chain, remembered by the certificates that came along.
    ///
    /// One that is outside of its window is judged afresh, so that the refusal names the same
    /// certificate whether or not it is remembered. A chain that was completed from the endorsements
    /// at hand is not remembered: what is at hand may change. Nor is one with more in it than was
    /// judged: of such there are as many as a sender likes.
    fn endorsement_key(
        &self,
        submitted: &Submitted<'_>,
        crls: &Crls,
        endorsements: &dyn EndorsementSource,
        at: UnixTime,
    ) -> Result<Arc<VerifiedEndorsementKey>, AppraisalError> {
        let cache_key = submitted.cache_key();
        let known = cache_key.and_then(|cache_key| self.keys.get(&cache_key));
        if let Some(known) = known.filter(|known| known.window().check(at).is_ok()) {
            return Ok(known);
        }
        let anchors = self.anchors();
        let chain = match submitted {
            Submitted::Document(evidence) => evidence.chain_beside(&anchors)?,
            Submitted::Bare(report) => endorsements.amd().chain.clone().for_report(report)?,
            Submitted::Extended(_, table) => table.chain_beside(&anchors)?,
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

    fn anchors(&self) -> Arc<Anchors> {
        Arc::clone(&self.anchors.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whoever is reading certificates meanwhile goes on with the anchors that they began with.
    fn remember(&self, intermediate: &VerifiedIntermediate) {
        if self.anchors().intermediate(intermediate.fingerprint_sha256()).is_some() {
            return;
        }
        let mut place = self.anchors.write().unwrap_or_else(PoisonError::into_inner);
        let mut anchors = Anchors::clone(&place);
        anchors.remember(intermediate.clone());
        *place = Arc::new(anchors);
    }

    /// The CRLs at hand, verified once for as long as all of them are current.
    fn crls(
        &self,
        endorsements: &Arc<dyn EndorsementSource>,
        at: UnixTime,
    ) -> Result<Arc<Crls>, AppraisalError> {
        let known = self.crls.read().ok().and_then(|known| known.clone());
        if let Some((known_source, known)) = known
            && Arc::ptr_eq(&known_source, endorsements)
            && known.window().is_none_or(|window| window.check(at).is_ok())
        {
            return Ok(known);
        }
        let verified = Crls::verify(&endorsements.amd().crls, &self.anchors(), at)?;
        let verified = Arc::new(verified.with_rule(endorsements.amd_crl_rule()));
        if let Ok(mut place) = self.crls.write() {
            *place = Some((Arc::clone(endorsements), Arc::clone(&verified)));
        }
        Ok(verified)
    }
}

/// What was sent as a report, by itself or in MAA's document, where it looks like something else.
fn named(error: AppraisalError, evidence: &[u8]) -> AppraisalError {
    if evidence.trim_ascii_start().first() != Some(&b'{') {
        return error.named(EvidenceKind::Snp, evidence);
    }
    let is_of_report = matches!(&error, AppraisalError::SnpRequest(MaaRequestError::Report(_)));
    let report = is_of_report.then(|| {
        let document: serde_json::Value = serde_json::from_slice(evidence).ok()?;
        base64url::decode_either(document.get("SnpReport")?.as_str()?).ok()
    });
    match report.flatten() {
        Some(report) => error.named(EvidenceKind::Snp, &report),
        None => error,
    }
}

fn bind(
    member: &'static str,
    data: Option<&avouch_claims::HeldData>,
    check: impl FnOnce(&[u8]) -> Result<(), avouch_snp::BindingError>,
) -> Result<Option<BoundData>, AppraisalError> {
    data.map(|data| BoundData::bind(data, check))
        .transpose()
        .map_err(|source| AppraisalError::SnpHeldData { member, source })
}
