//! One piece of evidence that is judged again, with what it brings along.

use std::collections::BTreeMap;

use avouch_engine::{AppraisalRequest, AppraisalSettings, Capsule, PolicyInForce};
use avouch_server::attest_request::AttestRequest;
use avouch_wire::UnixTime;

use crate::failure::Failure;

/// Evidence under the name that people find it by.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) request: AppraisalRequest,
    pub(super) settings: Option<AppraisalSettings>,
    /// When it was judged before.
    pub(super) judged_at: Option<UnixTime>,
    /// Whose it was found to be when it was judged before.
    pub(super) machine: BTreeMap<String, String>,
    policy: Judge,
}

/// The policy that evidence brings along.
#[derive(Debug)]
enum Judge {
    /// None: the default one of its kind.
    Default,
    /// The draft in the body of a request.
    Draft(String),
    /// The policy of a capsule.
    Jws(String),
}

impl Case {
    pub(super) fn of_request(name: String, read: AttestRequest) -> Self {
        Self {
            name,
            request: read.appraisal,
            settings: None,
            judged_at: None,
            machine: BTreeMap::new(),
            policy: read.draft_policy.map_or(Judge::Default, Judge::Draft),
        }
    }

    pub(super) fn of_capsule(name: String, capsule: Capsule) -> Self {
        Self {
            name,
            request: capsule.request,
            settings: Some(capsule.settings),
            judged_at: Some(capsule.at),
            machine: capsule.outcome.machine,
            policy: Judge::Jws(capsule.policy_jws),
        }
    }

    /// Evidence and nothing beside it, not even data that it binds.
    pub(super) fn is_bare(&self) -> bool {
        let AppraisalRequest { runtime_data, init_time_data, event_log, nonce, .. } = &self.request;
        let is_alone = runtime_data.is_none()
            && init_time_data.is_none()
            && event_log.is_none()
            && nonce.is_none();
        is_alone && matches!(self.policy, Judge::Default) && self.judged_at.is_none()
    }

    /// The policy that judges it: what is given goes over what it brings along.
    pub(super) fn policy(&self, given: Option<&PolicyInForce>) -> Result<PolicyInForce, Failure> {
        if let Some(given) = given {
            return Ok(given.clone());
        }
        let kind = self.request.kind;
        let policy = match &self.policy {
            Judge::Default => {
                return PolicyInForce::default_for(kind).ok_or_else(|| {
                    Failure::Other(format!("{}: {kind} has no default policy", self.name))
                });
            }
            Judge::Draft(text) => PolicyInForce::draft(text),
            Judge::Jws(jws) => PolicyInForce::from_jws(jws.as_bytes()),
        };
        policy.map_err(|error| Failure::Other(format!("{}: its policy: {error}", self.name)))
    }
}
