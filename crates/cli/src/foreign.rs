//! The readers of what others made, each from bytes to what the command says of them: for fuzzing.
//! Nothing is verified here.

use avouch_wire::EvidenceKind;
use reqwest::StatusCode;

use crate::client::{Answer, Published, Refusal, Steps, json_of};
use crate::commands::inspect::Said;
use crate::evidence_file::read_evidence;

/// The length of the evidence in a file that is given to `appraise`; none if it holds none.
#[must_use]
pub fn evidence_length(kind: EvidenceKind, file: &[u8]) -> Option<usize> {
    let request = read_evidence(kind, None, file).ok()?;
    Some(request.appraisal.evidence.len())
}

/// What `inspect` prints of a file, as text and as JSON.
#[must_use]
pub fn inspected(file: &[u8]) -> (String, String) {
    let said = Said::of(file);
    let json = serde_json::to_string(&said.document).unwrap_or_default();
    (said.text, json)
}

/// What a command says of a service's answer with this status and body.
#[must_use]
pub fn refused(status: u16, body: &[u8]) -> String {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (url, body) = ("https://service.example".to_owned(), body.to_vec());
    let answer = Answer { url, status, retry_after_seconds: None, body };
    let said = Refusal::of_answer(&answer).into_failure().to_string();
    match json_of(&answer) {
        Ok(_) => said,
        Err(stop) => said + &stop.into_failure().to_string(),
    }
}

/// What `verify` says of the metadata and the keys of a service.
#[must_use]
pub fn published(metadata: &[u8], keys: &[u8]) -> String {
    let mut steps = Steps::default();
    let published = Published::new(metadata.to_vec(), keys.to_vec());
    let _ = published.judge("https://service.example", &mut steps);
    steps.to_string()
}
