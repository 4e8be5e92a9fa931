//! A provider of a running service as the attester sees it.

use avouch_attester::{Service, ServiceError};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Session, Stop, json_of};

/// Where messages go.
const ROUTE: &str = "/attest/Tpm?api-version=2025-06-01";

/// Carries messages to one provider.
pub(super) struct Provider<'a> {
    session: &'a Session,
}

impl<'a> Provider<'a> {
    pub(super) const fn new(session: &'a Session) -> Self {
        Self { session }
    }

    fn send(&self, data: &str) -> Result<Option<String>, Stop> {
        let body = json!({"data": data}).to_string();
        let answer = self.session.send(Method::POST, ROUTE, "application/json", Some(body))?;
        let answer = json_of(&answer)?;
        Ok(answer.get("data").and_then(Value::as_str).map(str::to_owned))
    }
}

impl Service for Provider<'_> {
    fn exchange(&mut self, data: &str) -> Result<String, ServiceError> {
        match self.send(data) {
            Ok(Some(data)) => Ok(data),
            Ok(None) => {
                let text = format!("{}: the answer has no data", self.session.url());
                Err(ServiceError::Unanswered(text))
            }
            Err(Stop::Refused(refusal)) => match refusal.status {
                Some(status) => {
                    let (code, message) = (refusal.code, refusal.message);
                    Err(ServiceError::Refused { status, code, message })
                }
                None => Err(ServiceError::Unanswered(refusal.message)),
            },
            Err(Stop::Failure(failure)) => Err(ServiceError::Unanswered(failure.to_string())),
        }
    }
}
