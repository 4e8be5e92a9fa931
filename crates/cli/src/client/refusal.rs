//! Why a command ends early: the answer is no, or there is no answer.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::http::Answer;
use crate::failure::{Failure, Verdict};
use crate::output::{OutputOptions, printable};

/// Characters kept of a foreign code or sentence.
const FOREIGN_CHARS_MAX: usize = 4096;

/// What ends a command before its answer.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A usage or I/O error: exit status 2.
    Failure(Failure),
    /// The answer is no: exit status 1.
    Refused(Refusal),
}

/// An answer that is no, of the service or of what checks its answers.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The service's code, or `InvalidAnswer` if it is its answer that does not hold.
    pub(crate) code: String,
    pub(crate) message: String,
    /// The check that failed, if it was made here.
    pub(crate) check: Option<&'static str>,
    /// HTTP status, if the service said it.
    pub(crate) status: Option<u16>,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Stop {
    /// For a command to which every other answer than yes is an error.
    pub(crate) fn into_failure(self) -> Failure {
        match self {
            Self::Failure(failure) => failure,
            Self::Refused(refusal) => {
                let (code, message) = (printable(&refusal.code), printable(&refusal.message));
                Failure::Other(format!("the service answered {code}: {message}"))
            }
        }
    }
}

impl Refusal {
    /// What the service answered does not pass a check.
    pub(crate) fn invalid_answer(check: &'static str, message: impl Into<String>) -> Self {
        let code = "InvalidAnswer".to_owned();
        Self { code, message: message.into(), check: Some(check), status: None }
    }

    /// An answer that is no success: what the service says, or that it says nothing.
    pub(crate) fn of_answer(answer: &Answer) -> Stop {
        let (url, status) = (&answer.url, answer.status);
        let said = said(&answer.body);
        let understood = status.is_client_error() && !matches!(status.as_u16(), 408 | 429);
        match said {
            Some((code, message)) if understood => {
                Self { code, message, check: None, status: Some(status.as_u16()) }.into()
            }
            Some((code, message)) => {
                let (code, message) = (printable(&code), printable(&message));
                let message = format!("{url}: {status}: {code}: {message}");
                match answer.retry_after_seconds {
                    Some(seconds) => Failure::Later { message, seconds }.into(),
                    None => Failure::Other(message).into(),
                }
            }
            None if status.is_redirection() => {
                let reason = "a redirection, which is not followed: give the URL it leads to";
                Failure::Other(format!("{url}: {status}: {reason}")).into()
            }
            None => {
                let reason = "this is no answer of an attestation service";
                Failure::Other(format!("{url}: {status}: {reason}")).into()
            }
        }
    }

    fn text(&self) -> String {
        let code = printable(&self.code);
        let source = match (self.check, self.status) {
            (Some(check), _) => format!("{code}, by the check {check}"),
            (None, Some(status)) => format!("{code} (HTTP {status})"),
            (None, None) => code,
        };
        let message: Vec<String> = self.message.lines().map(printable).collect();
        format!("refused:  {source}\nreason:   {}", message.join("\n          "))
    }
}

impl Serialize for Refusal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({
            "code": self.code,
            "check": self.check,
            "message": self.message,
            "status": self.status,
        })
        .serialize(serializer)
    }
}

/// Code and message of an error body, in the shape of both planes.
fn said(body: &[u8]) -> Option<(String, String)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| {
        let text = body.get("error")?.get(name)?.as_str()?;
        Some(text.chars().take(FOREIGN_CHARS_MAX).collect::<String>())
    };
    Some((text("code")?, text("message")?))
}

/// Ends a command: a refusal is an answer too.
pub(crate) fn conclude(
    result: Result<Verdict, Stop>,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    match result {
        Ok(verdict) => Ok(verdict),
        Err(Stop::Failure(failure)) => Err(failure),
        Err(Stop::Refused(refusal)) => {
            output.answer(&json!({"error": refusal}), || refusal.text())?;
            Ok(Verdict::No)
        }
    }
}
