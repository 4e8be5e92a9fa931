//! TPM evidence: a request of the protocol as it was sent, or an attestation in the form of its
//! `current_attestation`.

use avouch_engine::{AppraisalRequest, Challenged, TokenForm};
use avouch_server::ApiError;
use avouch_server::attest_request::AttestRequest;
use avouch_server::body::JsonBody;
use avouch_tpm::protocol::{BareAttestation, ClientMessage, Received, SignedRequest};
use avouch_wire::EvidenceKind;

use super::Unreadable;

/// Reads the body of a request, the request's JWS, or an attestation. Of a request it is taken that its
/// challenge is the one that was given; an attestation says none.
pub(super) fn read(bytes: &[u8]) -> Result<AttestRequest, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable::Text)?.trim();
    if let Ok(request) = SignedRequest::read(text) {
        return Ok(of_request(&request));
    }
    if BareAttestation::read(text.as_bytes()).is_ok() {
        return Ok(of(text.as_bytes().to_vec(), None));
    }
    if is_compact_jws(text) {
        // What is wrong with the request, its verifier says.
        return Ok(of(text.as_bytes().to_vec(), Some(Vec::new())));
    }
    let refused = |message: String| Unreadable::Body(ApiError::invalid_parameter(message));
    let body = JsonBody::parse(text.as_bytes()).map_err(|_| Unreadable::Text)?;
    match body.string("data") {
        Ok(Some(data)) => match Received::read(data).map(|received| received.message) {
            Ok(ClientMessage::Request(request)) => Ok(of_request(&request)),
            Ok(_) => Err(refused("data: this message carries no evidence".to_owned())),
            Err(error) => Err(refused(format!("data: {error}"))),
        },
        // Neither: what is wrong with it as an attestation tells more.
        _ => Ok(of(text.as_bytes().to_vec(), None)),
    }
}

/// Whether it has the form of a JWS: three parts, with a dot between.
fn is_compact_jws(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(4, '.').collect();
    let in_alphabet = |c: char| c.is_ascii_alphanumeric() || "-_=+/".contains(c);
    parts.len() == 3 && parts.iter().all(|part| part.chars().all(in_alphabet))
}

fn of_request(request: &SignedRequest) -> AttestRequest {
    let challenge = request.untrusted_challenge().to_vec();
    of(request.as_text().as_bytes().to_vec(), Some(challenge))
}

fn of(evidence: Vec<u8>, challenge: Option<Vec<u8>>) -> AttestRequest {
    let challenged =
        challenge.map(|challenge| Challenged { challenge, aik: None, enrolment: None });
    let appraisal = AppraisalRequest {
        kind: EvidenceKind::Tpm,
        evidence,
        runtime_data: None,
        init_time_data: None,
        event_log: None,
        challenged,
        nonce: None,
        token_form: TokenForm::Current,
    };
    AttestRequest { appraisal, draft_policy: None }
}
