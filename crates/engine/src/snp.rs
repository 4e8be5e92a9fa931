//! The arm for SEV-SNP.

use std::sync::{Arc, RwLock};

use avouch_claims::{BoundData, snp};
use avouch_snp::maa_request::SnpEvidence;
use avouch_snp::{
    Anchors, Chain, Crls, REPORT_LENGTH, Report, VerifiedEndorsementKey, bind_init_time_data,
    bind_runtime_data, chain_cache_key, ghcb, uvm, verify_chain, verify_report,
};
use avouch_wire::{Hex, UnixTime};
use moka::sync::Cache;

use crate::appraisal::VerifiedEvidence;
use crate::appraise::Verified;
use crate::{AppraisalError, AppraisalRequest, AppraisalSettings, EndorsementSource};

/// Endorsement keys remembered.
const KEYS_MAX: u64 = 65_536;

/// Verifies reports, remembering endorsement keys under the hash of the certificates that prove
/// them. Dates and revocation are judged on every call.
pub(crate) struct SnpAppraiser {
    anchors: Anchors,
    endorsements: Arc<dyn EndorsementSource>,
    keys: Cache<Hex<32>, Arc<VerifiedEndorsementKey>>,
    crls: RwLock<Option<Arc<Crls>>>,
}

/// A report with the certificates that came along.
struct Submitted {
    report: Report,
    /// The certificates as they came, for remembering; none for a bare report.
    certificates: Option<Certificates>,
    uvm_endorsements: Vec<Vec<u8>>,
}

struct Certificates {
    cache_key: Hex<32>,
    chain: Chain,
}

impl Submitted {
    /// MAA's JSON document, a bare report, or a report with a certificate table behind it.
    fn parse(bytes: &[u8]) -> Result<Self, AppraisalError> {
        if bytes.trim_ascii_start().first() == Some(&b'{') {
            let evidence = SnpEvidence::parse(bytes)?;
            let certificates = evidence.certificates();
            let cache_key = chain_cache_key(&[certificates]);
            return Ok(Self {
                report: evidence.report().clone(),
                certificates: Some(Certificates { cache_key, chain: evidence.chain()? }),
                uvm_endorsements: evidence.uvm_endorsements().map(<[u8]>::to_vec).collect(),
            });
        }
        let (report, table) = bytes.split_at_checked(REPORT_LENGTH).unwrap_or((bytes, &[]));
        let report = Report::parse(report).map_err(avouch_snp::VerifyError::from)?;
        let certificates = if table.is_empty() {
            None
        } else {
            let parsed = ghcb::CertificateTable::parse(table).map_err(AppraisalError::Structure)?;
            let chain = parsed.endorsements()?.chain;
            Some(Certificates { cache_key: chain_cache_key(&[table]), chain })
        };
        Ok(Self { report, certificates, uvm_endorsements: Vec::new() })
    }
}

impl SnpAppraiser {
    pub(crate) fn new(anchors: Anchors, endorsements: Arc<dyn EndorsementSource>) -> Self {
        let (keys, crls) = (Cache::new(KEYS_MAX), RwLock::new(None));
        Self { anchors, endorsements, keys, crls }
    }

    pub(crate) fn verify(
        &self,
        request: &AppraisalRequest,
        settings: &AppraisalSettings,
        at: UnixTime,
    ) -> Result<Verified, AppraisalError> {
        let submitted = Submitted::parse(&request.evidence)?;
        let crls = self.crls(at)?;
        let key = self.endorsement_key(&submitted, &crls, at)?;
        let verified = verify_report(&submitted.report, &key, &crls, at)?;

        let mut endorsement = None;
        for cose in &submitted.uvm_endorsements {
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
    /// A chain that was completed from the endorsements at hand is not remembered: what is at hand
    /// may change.
    fn endorsement_key(
        &self,
        submitted: &Submitted,
        crls: &Crls,
        at: UnixTime,
    ) -> Result<Arc<VerifiedEndorsementKey>, AppraisalError> {
        let Some(certificates) = &submitted.certificates else {
            let chain = self.endorsements.amd().chain.clone().for_report(&submitted.report);
            return Ok(Arc::new(verify_chain(&chain, &self.anchors, crls, at)?));
        };
        if let Some(known) = self.keys.get(&certificates.cache_key) {
            return Ok(known);
        }
        let key = Arc::new(verify_chain(&certificates.chain, &self.anchors, crls, at)?);
        self.keys.insert(certificates.cache_key, Arc::clone(&key));
        Ok(key)
    }

    /// The CRLs at hand, verified once for as long as all of them are current.
    fn crls(&self, at: UnixTime) -> Result<Arc<Crls>, AppraisalError> {
        let current = |crls: &Arc<Crls>| crls.window().is_none_or(|w| w.check(at).is_ok());
        let known = self.crls.read().ok().and_then(|known| known.clone());
        if let Some(known) = known.filter(current) {
            return Ok(known);
        }
        let verified = Arc::new(Crls::verify(&self.endorsements.amd().crls, &self.anchors, at)?);
        if let Ok(mut place) = self.crls.write() {
            *place = Some(Arc::clone(&verified));
        }
        Ok(verified)
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
