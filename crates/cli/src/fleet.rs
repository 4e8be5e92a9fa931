//! Evidence of many machines in one folder, and what becomes of it under some endorsements.

use std::path::Path;
use std::sync::Arc;

use avouch_endorsements::EndorsementSet;
use avouch_engine::{
    Anchors, AppraisalRequest, AppraisalSettings, Decision, Engine, PolicyInForce,
};
use avouch_wire::UnixTime;
use serde::Serialize;

use crate::evidence_file::read_any;
use crate::failure::{Failure, read};
use crate::rules::RuleArgs;

/// One piece of evidence.
pub(crate) struct Machine {
    /// The name of its file.
    pub(crate) name: String,
    pub(crate) request: AppraisalRequest,
}

/// What a folder holds.
pub(crate) struct Fleet {
    pub(crate) machines: Vec<Machine>,
    /// Names of files that are no evidence.
    pub(crate) others: Vec<String>,
}

impl Fleet {
    /// Reads every file of a folder, in order of their names: evidence in all forms that `appraise`
    /// takes, of whatever kind. Folders in it are passed over, and so is what is no file.
    pub(crate) fn read(folder: &Path) -> Result<Self, Failure> {
        let failed = |source| Failure::Read { path: folder.to_owned(), source };
        let entries = std::fs::read_dir(folder).map_err(failed)?;
        let mut paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        paths.retain(|path| is_file(path));
        paths.sort();
        let mut fleet = Self { machines: Vec::new(), others: Vec::new() };
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match read_any(&read(&path)?).map(|read| read.appraisal) {
                Some(request) => fleet.machines.push(Machine { name, request }),
                None => fleet.others.push(name),
            }
        }
        if fleet.machines.is_empty() {
            return Err(Failure::Other(format!("{} holds no evidence", folder.display())));
        }
        Ok(fleet)
    }
}

/// A file, or a link that leads nowhere, which reading tells. Folders are none, nor are pipes and devices,
/// whose reading may never end.
pub(crate) fn is_file(path: &Path) -> bool {
    std::fs::metadata(path).map_or(true, |found| found.is_file())
}

/// What became of one piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Outcome {
    /// `permit` or `deny`.
    pub(crate) decision: &'static str,
    /// The check that refused.
    pub(crate) check: Option<String>,
    /// Why.
    pub(crate) reason: Option<String>,
}

impl Outcome {
    pub(crate) fn is_permit(&self) -> bool {
        self.decision == "permit"
    }

    fn deny(check: &str, reason: String) -> Self {
        Self { decision: "deny", check: Some(check.to_owned()), reason: Some(reason) }
    }
}

/// Judges machines by the default policy of their kind.
pub(crate) struct Judge {
    engine: Engine,
    settings: AppraisalSettings,
    at: UnixTime,
}

impl Judge {
    pub(crate) fn new(
        endorsements: EndorsementSet,
        rules: &RuleArgs,
        settings: AppraisalSettings,
        anchors: Anchors,
    ) -> Self {
        let endorsements = endorsements.with_amd_crl_rule(rules.trust.amd_crl);
        Self {
            engine: Engine::new(anchors, Arc::new(endorsements)),
            settings,
            at: rules.acceptance.at(),
        }
    }

    pub(crate) fn judge(&self, machine: &Machine) -> Result<Outcome, Failure> {
        let kind = machine.request.kind;
        let policy = PolicyInForce::default_for(kind)
            .ok_or_else(|| Failure::Other(format!("{kind} has no default policy")))?;
        let appraisal = self.engine.appraise(&machine.request, &policy, &self.settings, self.at);
        Ok(match appraisal.map(|appraisal| appraisal.decision) {
            Ok(Decision::Permit(_)) => Outcome { decision: "permit", check: None, reason: None },
            Ok(Decision::Deny(refused)) => Outcome::deny(refused.check(), refused.to_string()),
            Err(error) => Outcome::deny(error.check(), error.to_string()),
        })
    }
}
