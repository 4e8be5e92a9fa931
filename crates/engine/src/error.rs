//! Why an appraisal came to no verdict: the evidence, or what it needs, does not hold.

use avouch_claims::HeldDataError;
use avouch_wire::EvidenceKind;
use thiserror::Error;

use crate::Resemblance;

/// Why evidence was not verified. Each variant says which check failed, by [`Self::check`].
#[derive(Debug, Error)]
pub enum AppraisalError {
    /// The evidence is not the structure it claims to be.
    #[error("{0}")]
    Structure(avouch_wire::ParseError),
    /// A quote is not the structure it claims to be.
    #[error("{0}")]
    QuoteStructure(avouch_wire::ParseError),
    /// Bytes that cannot be read as what they were sent as, and look like something else or cut.
    #[error("this is {found}{} ({source})", .instead.map(|kind| format!(", not {}", kind.title())).unwrap_or_default())]
    Mistaken {
        /// What they look like.
        found: Resemblance,
        /// What they were sent as, where they look like something else.
        instead: Option<EvidenceKind>,
        /// Why they cannot be read.
        source: Box<Self>,
    },
    /// Custom claims in Open Enclave evidence are not what the enclave vouches for.
    #[error("{0}")]
    CustomClaims(avouch_dcap::BindError),
    /// A quote of another TEE than the route is for.
    #[error("expected a quote of {expected}, found one of {found}")]
    WrongTee {
        /// What the route is for.
        expected: &'static str,
        /// What the quote is of.
        found: &'static str,
    },
    /// A quote, its platform or its collateral does not verify.
    #[error("{0}")]
    Intel(#[from] avouch_dcap::VerifyError),
    /// A request for SEV-SNP is not the document it must be.
    #[error("{0}")]
    SnpRequest(#[from] avouch_snp::maa_request::MaaRequestError),
    /// Certificates for SEV-SNP cannot be read.
    #[error("{0}")]
    SnpChain(#[from] avouch_snp::ChainError),
    /// A report or its chain does not verify.
    #[error("{0}")]
    Snp(#[from] avouch_snp::VerifyError),
    /// An endorsement of the utility VM does not verify.
    #[error("{0}")]
    Uvm(#[from] avouch_snp::uvm::UvmError),
    /// No endorsements for this platform are at hand.
    #[error("no endorsements for {platform} are at hand")]
    EndorsementsMissing {
        /// What is wanted, in words.
        platform: String,
    },
    /// The policy asks for a TCB baseline that is not at hand, or is none.
    #[error("the policy asks for TCB baseline {identifier:?}, which is not at hand")]
    BaselineMissing {
        /// The identifier in the policy.
        identifier: String,
    },
    /// Held data is not bound by the evidence, or is not what its type says.
    #[error("{member} {source}")]
    IntelHeldData {
        /// `runtimeData` or `initTimeData`.
        member: &'static str,
        /// Why.
        source: HeldDataError<avouch_dcap::BindError>,
    },
    /// The same, for SEV-SNP.
    #[error("{member} {source}")]
    SnpHeldData {
        /// `runtimeData` or `initTimeData`.
        member: &'static str,
        /// Why.
        source: HeldDataError<avouch_snp::BindingError>,
    },
    /// The rules of the policy's configuration section failed.
    #[error("{0}")]
    Configuration(avouch_policy::EvalError),
    /// The kind is not appraised by this build.
    #[error("{0} evidence is not appraised by this build")]
    NotBuilt(EvidenceKind),
}

impl AppraisalError {
    /// The same, with what the bytes look like where that is not what they were sent as.
    pub(crate) fn named(self, kind: EvidenceKind, bytes: &[u8]) -> Self {
        match Resemblance::of(bytes) {
            // That one says it already.
            _ if matches!(self, Self::WrongTee { .. }) => self,
            Some(found) if !found.is_whole(kind) => {
                let instead = (!found.is(kind)).then_some(kind);
                Self::Mistaken { found, instead, source: Box::new(self) }
            }
            _ => self,
        }
    }

    /// The stable name of the check that failed.
    #[must_use]
    pub fn check(&self) -> &'static str {
        match self {
            Self::QuoteStructure(error) => avouch_dcap::structure_check(error),
            Self::Structure(_) => "structure",
            Self::Mistaken { source, .. } => source.check(),
            Self::CustomClaims(error) => error.check(),
            Self::WrongTee { .. } => "tee-type",
            Self::Intel(error) => error.check(),
            Self::SnpRequest(error) => error.check(),
            Self::SnpChain(error) => error.check(),
            Self::Snp(error) => error.check(),
            Self::Uvm(error) => error.check(),
            Self::EndorsementsMissing { .. } => "endorsements-missing",
            Self::BaselineMissing { .. } => "tcb-baseline-missing",
            Self::IntelHeldData { member, source } => {
                held_data_check(member, source, |e| e.check())
            }
            Self::SnpHeldData { member, source } => held_data_check(member, source, |e| e.check()),
            Self::Configuration(_) => "policy-configuration",
            Self::NotBuilt(_) => "evidence-kind",
        }
    }
}

fn held_data_check<E>(
    member: &str,
    error: &HeldDataError<E>,
    check: impl FnOnce(&E) -> &'static str,
) -> &'static str {
    match (error, member) {
        (HeldDataError::NotBound(error), _) => check(error),
        (_, "runtimeData") => "runtime-data-json",
        _ => "init-time-data-json",
    }
}
