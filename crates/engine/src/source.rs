//! Where endorsements come from: the port that files, caches and fetchers implement.

use std::sync::Arc;

use avouch_dcap::{Collateral, TcbEvaluation, TeeType};
use avouch_pki::{Certificate, Crl};
use avouch_snp::{Chain, ChainError, CrlRule, Report};
use avouch_wire::{Hex, UnixTime};

/// Which Intel collateral an appraisal needs. FMSPC and PCEID come from a verified PCK certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntelWanted<'a> {
    /// SGX or TDX; their collateral differs.
    pub tee: TeeType,
    /// FMSPC of the platform.
    pub fmspc: Hex<6>,
    /// PCEID of the platform.
    pub pce_id: Hex<2>,
    /// Common name of the CA that issued the PCK certificate: says which PCK CRL is needed.
    pub pck_ca: &'a str,
    /// By which TCB recovery to judge: the number that the policy asks for, or the provider's choice.
    pub evaluation: TcbEvaluation,
    /// The moment to judge at.
    pub at: UnixTime,
}

/// Whose key an appraisal of SEV-SNP evidence needs endorsed.
#[derive(Debug, Clone, Copy)]
pub struct AmdWanted<'a> {
    /// The report, not verified.
    pub report: &'a Report,
    /// The moment to judge at.
    pub at: UnixTime,
}

/// For which key of a TPM an appraisal needs the CAs above.
#[derive(Debug, Clone, Copy)]
pub struct TpmCasWanted<'a> {
    /// The certificate of an endorsement key or an attestation key, not verified.
    pub certificate: &'a Certificate,
    /// The moment to judge at.
    pub at: UnixTime,
}

/// Most certificates that [`EndorsementSource::tpm_cas`] gives.
pub const TPM_CAS_MAX: usize = 8;

/// A TCB recovery that evidence can be judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcbBaseline {
    /// Intel's TCB evaluation data number, which MAA calls the TCB identifier.
    pub evaluation_data_number: u32,
    /// Date of the newest TCB level in it.
    pub tcb_date: UnixTime,
}

/// Gives the endorsements at hand. What it gives is verified before use and may be anything.
pub trait EndorsementSource: Send + Sync {
    /// The best collateral for a platform: of those for its PCK CA and in force at the moment, the
    /// highest evaluation data number, then the newest; if none is in force, the same choice among
    /// all, so that the refusal can say what has expired. The same value for as long as it is the
    /// same.
    fn intel(&self, wanted: &IntelWanted<'_>) -> Option<Arc<Collateral>>;

    /// The TCB baselines (evaluation data numbers) at hand for a TEE, each once, in rising order.
    fn tcb_baselines(&self, tee: TeeType) -> Vec<TcbBaseline>;

    /// The certificates that endorse the key of a report which came without any: those made for its
    /// chip and TCB, or else what is nearest, so that the refusal can say what does not fit.
    ///
    /// # Errors
    /// [`ChainError::NoneForReport`] if there are several keys and none is for the report.
    fn amd(&self, wanted: &AmdWanted<'_>) -> Result<Chain, ChainError>;

    /// AMD's CRLs for the kind of key that signed the report. The same value for as long as they are the
    /// same: what was verified of them is remembered for it.
    fn amd_crls(&self, wanted: &AmdWanted<'_>) -> Arc<Vec<Crl>>;

    /// Of which of AMD's roots there must be such a CRL at hand.
    fn amd_crl_rule(&self, wanted: &AmdWanted<'_>) -> CrlRule;

    /// The CAs of a TPM's manufacturer, or of the host of a virtual one, that may stand between the
    /// certificate of one of its keys and a root that is trusted: found by names, the nearest to the key
    /// first, [`TPM_CAS_MAX`] at most. Roots are none of them: they are trusted by configuration alone.
    fn tpm_cas(&self, _wanted: &TpmCasWanted<'_>) -> Vec<Certificate> {
        Vec::new()
    }

    /// What is at hand, for people.
    fn summary(&self) -> serde_json::Value;
}
