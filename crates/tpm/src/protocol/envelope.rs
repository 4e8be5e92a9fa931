//! The outside of messages: what stands in `data`, both ways.

use avouch_wire::{UnixTime, base64url, json};
use serde_json::{Map, Value, json};

use super::members::Members;
use super::{Activate, Enroll, ProtocolError, SignedRequest};
use crate::Credential;

/// Bytes of a challenge, as MAA's have.
pub const CHALLENGE_BYTES: usize = 16;

/// Longest message: that of the service's largest body.
const MESSAGE_BYTES_MAX: usize = 4 << 20;

/// The member that an enrolment stands in.
pub(super) const ENROLMENT: &str = "avouch_enrolment";

/// Whether the message stands in a member `payload`, as in recordings, or bare, as in documentation. The
/// answer has the same form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `{"payload": {...}}`, perhaps with `metadata` beside it.
    Wrapped,
    /// `{...}`.
    Bare,
}

/// The first message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// DER of the certificate of the AIK that will be used, if the client says which: then the challenge
    /// is for that one. MAA's clients do not say.
    pub aik_certificate: Option<Vec<u8>>,
    /// The enrolment of that AIK, in place of a certificate.
    pub enrolment: Option<String>,
}

/// What a client sends.
#[derive(Debug, Clone)]
pub enum ClientMessage {
    /// It asks for a challenge.
    Init(Init),
    /// It answers one.
    Request(Box<SignedRequest>),
    /// It asks to be enrolled.
    Enroll(Box<Enroll>),
    /// It proves what it said when it asked.
    Activate(Box<Activate>),
}

/// A client's message with the form it came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// The message.
    pub message: ClientMessage,
    /// How its answer is to be wrapped.
    pub form: Form,
}

impl Received {
    /// Reads the `data` of a body: base64 in either alphabet, padded or not, of a JSON object.
    ///
    /// # Errors
    /// [`ProtocolError`].
    pub fn read(data: &str) -> Result<Self, ProtocolError> {
        let (mut inner, form) = opened(data)?;
        let message = Members::new("", &inner);
        let message = match (message.has("type"), message.has("request")) {
            (true, false) => typed(message)?,
            (false, true) => {
                // Nearly all of the message: it is taken out, not copied.
                let Some(Value::String(request)) = inner.remove("request") else {
                    return Members::new("", &inner).refuse("request", "expected a text");
                };
                drop(inner);
                ClientMessage::Request(Box::new(SignedRequest::read(request)?))
            }
            _ => return Err(ProtocolError::Shape("expected either a type or a request")),
        };
        Ok(Self { message, form })
    }

    /// The `data` that answers with a challenge.
    #[must_use]
    pub fn challenge_answer(form: Form, challenge: &[u8], service_context: &str) -> String {
        let challenge = base64url::encode(challenge);
        closed(form, json!({"challenge": challenge, "service_context": service_context}))
    }

    /// The `data` that answers with a credential.
    #[must_use]
    pub fn credential_answer(form: Form, credential: &Credential, service_context: &str) -> String {
        let credential = json!({
            "id_object": base64url::encode(&credential.id_object),
            "encrypted_secret": base64url::encode(&credential.encrypted_secret),
        });
        closed(form, json!({"credential": credential, "service_context": service_context}))
    }

    /// The `data` that answers with an enrolment.
    #[must_use]
    pub fn enrolment_answer(form: Form, enrolment: &str, valid_until: UnixTime) -> String {
        let valid_until = valid_until.to_rfc3339();
        closed(form, json!({"enrolment": enrolment, "valid_until": valid_until}))
    }

    /// The `data` that answers with a report.
    #[must_use]
    pub fn report_answer(form: Form, report: &str) -> String {
        closed(form, json!({"report": report}))
    }
}

fn typed(message: Members<'_>) -> Result<ClientMessage, ProtocolError> {
    Ok(match message.text("type")? {
        "aikcert" => ClientMessage::Init(init(message)?),
        "avouch-enroll" => ClientMessage::Enroll(Box::new(Enroll::read(message)?)),
        "avouch-activate" => ClientMessage::Activate(Box::new(Activate::read(message)?)),
        found => return Err(ProtocolError::Type { found: found.to_owned() }),
    })
}

fn init(message: Members<'_>) -> Result<Init, ProtocolError> {
    let aik_certificate = message.optional_bytes("aik_cert")?;
    let enrolment = message.optional_text(ENROLMENT)?.map(str::to_owned);
    if aik_certificate.is_some() && enrolment.is_some() {
        return message.refuse(ENROLMENT, "it stands beside aik_cert");
    }
    Ok(Init { aik_certificate, enrolment })
}

/// What a service answers, as a client reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServiceMessage {
    /// A challenge.
    Challenge {
        /// What the quote must answer.
        challenge: Vec<u8>,
        /// What is to be sent back as it is.
        service_context: String,
    },
    /// A credential, to be opened by the TPM.
    Credential {
        /// What the TPM opens.
        credential: Credential,
        /// What is to be sent back as it is.
        service_context: String,
    },
    /// An enrolment, to be kept.
    Enrolment {
        /// What stands where an AIK certificate would.
        enrolment: String,
        /// Until when it counts, in RFC 3339.
        valid_until: String,
    },
    /// A report: a JWT.
    Report(String),
}

impl ServiceMessage {
    /// Reads the `data` of an answer.
    ///
    /// # Errors
    /// [`ProtocolError`].
    pub fn read(data: &str) -> Result<Self, ProtocolError> {
        let (message, _) = opened(data)?;
        let message = Members::new("", &message);
        let has = ["challenge", "report", "credential", "enrolment"].map(|name| message.has(name));
        match has {
            [true, false, false, false] => Ok(Self::Challenge {
                challenge: message.bytes("challenge")?,
                service_context: message.text("service_context")?.to_owned(),
            }),
            [false, true, false, false] => Ok(Self::Report(message.text("report")?.to_owned())),
            [false, false, true, false] => {
                let parts = message.object("credential")?;
                let credential = Credential {
                    id_object: parts.bytes("id_object")?,
                    encrypted_secret: parts.bytes("encrypted_secret")?,
                };
                let service_context = message.text("service_context")?.to_owned();
                Ok(Self::Credential { credential, service_context })
            }
            [false, false, false, true] => Ok(Self::Enrolment {
                enrolment: message.text("enrolment")?.to_owned(),
                valid_until: message.text("valid_until")?.to_owned(),
            }),
            _ => Err(ProtocolError::Shape("expected one of the service's answers")),
        }
    }
}

/// The `data` that asks for a challenge, and for which AIK if that is said.
#[must_use]
pub fn init_message(form: Form, aik_certificate: Option<&[u8]>) -> String {
    let message = match aik_certificate {
        Some(der) => json!({"type": "aikcert", "aik_cert": base64url::encode(der)}),
        None => json!({"type": "aikcert"}),
    };
    closed(form, message)
}

/// The `data` that asks for a challenge for an enrolled AIK.
#[must_use]
pub fn enrolled_init_message(form: Form, enrolment: &str) -> String {
    closed(form, json!({"type": "aikcert", ENROLMENT: enrolment}))
}

/// The `data` that carries a signed request, a compact JWS.
#[must_use]
pub fn request_message(form: Form, jws: &str) -> String {
    closed(form, json!({"request": jws}))
}

/// The message itself, and how it is wrapped. Beside a `payload` stands nothing but what the client says of
/// itself.
fn opened(data: &str) -> Result<(Map<String, Value>, Form), ProtocolError> {
    let text = base64url::decode_either(data)?;
    let mut outer = json::parse_object(&text, MESSAGE_BYTES_MAX)?;
    if !outer.contains_key("payload") {
        return Ok((outer, Form::Bare));
    }
    if outer.keys().any(|name| name != "payload" && name != "metadata") {
        return Err(ProtocolError::Shape("something stands beside payload and metadata"));
    }
    match outer.remove("payload") {
        Some(Value::Object(inner)) => Ok((inner, Form::Wrapped)),
        _ => Err(ProtocolError::Shape("payload is no object")),
    }
}

pub(super) fn closed(form: Form, message: Value) -> String {
    let whole = match form {
        Form::Wrapped => json!({"payload": message}),
        Form::Bare => message,
    };
    base64url::encode(whole.to_string())
}
