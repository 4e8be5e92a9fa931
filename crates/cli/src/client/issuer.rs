//! What a service publishes of itself, and the tokens that it answers with.

use avouch_client::{Discovered, METADATA_PATH};
use avouch_token::{Expectations, Jwks, TokenKind, verify_token};
use avouch_wire::FailedCheck as _;
use serde_json::{Map, Value};

use super::http::{Answer, Http};
use super::{Refusal, ServiceUrl, Step, Steps, Stop};
use crate::failure::Failure;
use crate::setup;

/// Difference of clocks that is forgiven when an answer is checked, in seconds.
const SLACK_SECONDS: u32 = 60;

/// The two documents of a service, as they came.
pub(crate) struct Published {
    metadata: Vec<u8>,
    keys: Vec<u8>,
}

/// The claims of an answer that passed every check, and the checks.
pub(crate) struct Verified {
    pub(crate) claims: Map<String, Value>,
    pub(crate) steps: Steps,
}

impl Published {
    /// The documents with these bytes.
    pub(crate) const fn new(metadata: Vec<u8>, keys: Vec<u8>) -> Self {
        Self { metadata, keys }
    }

    /// Fetches metadata and keys.
    pub(crate) fn fetch(http: &Http, url: &ServiceUrl) -> Result<Self, Stop> {
        let document = |path: &str| {
            let answer = http.get(url.at(path))?;
            if answer.status.is_success() {
                return Ok(answer.body);
            }
            Err(Refusal::of_answer(&answer))
        };
        let metadata = document(METADATA_PATH)?;
        Ok(Self::new(metadata, document("/certs")?))
    }

    /// Judges them for a service that must call itself `issuer`; its keys, if they can be read.
    pub(crate) fn judge(&self, issuer: &str, steps: &mut Steps) -> Option<Jwks> {
        let discovered = Discovered::judge(&self.metadata, &self.keys, issuer);
        steps.extend(discovered.checks().iter().map(Step::of_check));
        discovered.untrusted_keys().cloned()
    }
}

/// The name and keys by which a service's answers are checked.
pub(crate) struct Issuer {
    name: String,
    keys: Jwks,
}

impl Issuer {
    /// Learns the keys, before anything is changed: a service that calls itself by another name is
    /// not the one that was meant.
    pub(super) fn learn(http: &Http, url: &ServiceUrl, name: &str) -> Result<Self, Stop> {
        let mut steps = Steps::default();
        let keys = Published::fetch(http, url)?.judge(name, &mut steps);
        if let Some(failed) = steps.failure() {
            let hint = if failed.name == "provider-issuer" {
                "; if that is the service you mean, say so with --issuer"
            } else {
                ""
            };
            return Err(refused(failed, hint));
        }
        let keys = keys.ok_or_else(|| Failure::other("the service publishes no keys"))?;
        Ok(Self { name: name.to_owned(), keys })
    }

    /// The claims of the token in an answer, if signature, issuer and times hold.
    pub(super) fn verify(&self, answer: &Answer) -> Result<Verified, Stop> {
        let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let token =
            body.as_ref().and_then(|body| body.get("token")?.as_str()).ok_or_else(|| {
                Refusal::invalid_answer("token-form", "the service answered without a token")
            })?;
        self.verify_token(token, TokenKind::Attestation)
    }

    /// The claims of a token of that kind, if signature, issuer and times hold.
    pub(crate) fn verify_token(&self, token: &str, kind: TokenKind) -> Result<Verified, Stop> {
        let expectations = Expectations {
            kind,
            issuer: Some(self.name.clone()),
            slack_seconds: SLACK_SECONDS,
            ..Expectations::at(setup::present())
        };
        let verification = verify_token(token, &self.keys, &expectations);
        let mut steps = Steps::default();
        steps.extend(verification.checks().iter().map(Step::of_check));
        if let Some(failed) = steps.failure() {
            return Err(refused(failed, ""));
        }
        let verified = verification
            .into_verified()
            .map_err(|error| Refusal::invalid_answer(error.check(), error.to_string()))?;
        Ok(Verified { claims: verified.claims().clone(), steps })
    }
}

impl Verified {
    /// Demands that a claim be this text.
    pub(crate) fn expect(
        mut self,
        check: &'static str,
        claim: &str,
        expected: &str,
    ) -> Result<Self, Stop> {
        let found = self.claims.get(claim);
        if found.and_then(Value::as_str) == Some(expected) {
            self.steps.passed(check, expected);
            return Ok(self);
        }
        let found = found.map_or_else(|| "absent".to_owned(), Value::to_string);
        let message = format!("{claim} is {found}, expected {expected:?}");
        Err(Refusal::invalid_answer(check, message).into())
    }

    /// A claim that must be text.
    pub(crate) fn text(&self, claim: &str) -> Result<&str, Stop> {
        self.claims.get(claim).and_then(Value::as_str).ok_or_else(|| {
            Refusal::invalid_answer("answer-claims", format!("the answer has no text {claim}"))
                .into()
        })
    }
}

fn refused(step: &Step, hint: &str) -> Stop {
    Refusal::invalid_answer(step.name, format!("{}{hint}", step.detail)).into()
}
