//! A good machine's evidence, verified: what reference values and policies can be made of.

use std::path::PathBuf;
use std::sync::Arc;

use avouch_engine::{Appraisal, AppraisalRequest, Decision, Engine, PolicyInForce};
use avouch_wire::EvidenceKind;
use clap::Args;
use serde_json::{Value, json};

use crate::commands::appraise::{HeldDataArgs, JudgementArgs};
use crate::evidence_file::{read_any, read_evidence};
use crate::failure::{Failure, read};
use crate::setup;

/// Permits what verified and what settings accept.
const PERMIT: &str = "version=1.0; authorizationrules { => permit(); };";

/// Whose evidence, and what it is verified with.
#[derive(Debug, Args)]
pub(crate) struct SampleArgs {
    /// Evidence of a machine that is known to be good, in all forms that `appraise` takes.
    pub(crate) evidence: PathBuf,
    #[arg(long = "type", value_name = "KIND", help = setup::kinds_recognised())]
    kind: Option<EvidenceKind>,
    #[command(flatten)]
    held: HeldDataArgs,
    #[command(flatten)]
    judgement: JudgementArgs,
}

/// Evidence that verified and that settings accept.
pub(crate) struct Sample {
    pub(crate) kind: EvidenceKind,
    pub(crate) appraisal: Appraisal,
}

impl SampleArgs {
    /// Verifies the evidence; an error inside is why it is not to be relied on.
    pub(crate) fn verify(&self) -> Result<Result<Sample, NotGood>, Failure> {
        let request = self.held.over(self.read()?)?;
        let kind = request.kind;
        let at = self.judgement.acceptance.at();
        let (settings, trust_roots) = self.judgement.acceptance.settings()?;
        let verification = &self.judgement.verification;
        let anchors = verification.trust.anchors(trust_roots)?;
        let endorsements = verification.endorsements().map_err(Failure::other)?;
        let engine = Engine::new(anchors, Arc::new(endorsements));
        let policy = PolicyInForce::from_text(PERMIT).map_err(Failure::other)?;
        Ok(match engine.appraise(&request, &policy, &settings, at) {
            Err(error) => Err(NotGood::new(kind, error.check(), &error)),
            Ok(appraisal) => match &appraisal.decision {
                Decision::Deny(refused) => Err(NotGood::new(kind, refused.check(), refused)),
                Decision::Permit(_) => Ok(Sample { kind, appraisal }),
            },
        })
    }

    fn read(&self) -> Result<AppraisalRequest, Failure> {
        let bytes = read(&self.evidence)?;
        let read = match self.kind {
            Some(kind) => read_evidence(kind, None, &bytes).ok(),
            None => read_any(&bytes),
        };
        read.map(|read| read.appraisal).ok_or_else(|| {
            let path = self.evidence.display();
            Failure::Other(format!("{path}: no evidence is recognised; --type says which it is"))
        })
    }
}

/// Why nothing is made of evidence.
pub(crate) struct NotGood {
    check: &'static str,
    message: String,
}

impl NotGood {
    pub(crate) fn new(
        kind: EvidenceKind,
        check: &'static str,
        error: &impl std::fmt::Display,
    ) -> Self {
        Self { check, message: format!("{}: {error}", kind.title()) }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({"error": {"check": self.check, "message": self.message}})
    }

    pub(crate) fn text(&self) -> String {
        format!(
            "nothing written: the evidence does not do\ncheck:  {}\nreason: {}",
            self.check, self.message
        )
    }
}
