//! The outside of messages: what stands in `data`, both ways.

use avouch_wire::{base64url, json};
use serde_json::{Map, Value, json};

use super::members::Members;
use super::{ProtocolError, SignedRequest};

/// Bytes of a challenge, as MAA's have.
pub const CHALLENGE_BYTES: usize = 16;

/// Longest message: that of the service's largest body.
const MESSAGE_BYTES_MAX: usize = 4 << 20;

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
}

/// What a client sends.
#[derive(Debug, Clone)]
pub enum ClientMessage {
    /// It asks for a challenge.
    Init(Init),
    /// It answers one.
    Request(Box<SignedRequest>),
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
        let (outer, form) = opened(data)?;
        let message = Members::new("", inner(&outer, form)?);
        let message = match (message.has("type"), message.has("request")) {
            (true, false) => ClientMessage::Init(init(message)?),
            (false, true) => {
                ClientMessage::Request(Box::new(SignedRequest::read(message.text("request")?)?))
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

    /// The `data` that answers with a report.
    #[must_use]
    pub fn report_answer(form: Form, report: &str) -> String {
        closed(form, json!({"report": report}))
    }
}

fn init(message: Members<'_>) -> Result<Init, ProtocolError> {
    match message.text("type")? {
        "aikcert" => Ok(Init { aik_certificate: message.optional_bytes("aik_cert")? }),
        found => Err(ProtocolError::Type { found: found.to_owned() }),
    }
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
    /// A report: a JWT.
    Report(String),
}

impl ServiceMessage {
    /// Reads the `data` of an answer.
    ///
    /// # Errors
    /// [`ProtocolError`].
    pub fn read(data: &str) -> Result<Self, ProtocolError> {
        let (outer, form) = opened(data)?;
        let message = Members::new("", inner(&outer, form)?);
        match (message.has("challenge"), message.has("report")) {
            (true, false) => Ok(Self::Challenge {
                challenge: message.bytes("challenge")?,
                service_context: message.text("service_context")?.to_owned(),
            }),
            (false, true) => Ok(Self::Report(message.text("report")?.to_owned())),
            _ => Err(ProtocolError::Shape("expected either a challenge or a report")),
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

/// The `data` that carries a signed request, a compact JWS.
#[must_use]
pub fn request_message(form: Form, jws: &str) -> String {
    closed(form, json!({"request": jws}))
}

fn opened(data: &str) -> Result<(Map<String, Value>, Form), ProtocolError> {
    let text = base64url::decode_either(data)?;
    let outer = json::parse_object(&text, MESSAGE_BYTES_MAX)?;
    let form = if outer.contains_key("payload") { Form::Wrapped } else { Form::Bare };
    Ok((outer, form))
}

/// The message itself. Beside a `payload` stands nothing but what the client says of itself.
fn inner(outer: &Map<String, Value>, form: Form) -> Result<&Map<String, Value>, ProtocolError> {
    if form == Form::Bare {
        return Ok(outer);
    }
    if outer.keys().any(|name| name != "payload" && name != "metadata") {
        return Err(ProtocolError::Shape("something stands beside payload and metadata"));
    }
    let payload = outer.get("payload").and_then(Value::as_object);
    payload.ok_or(ProtocolError::Shape("payload is no object"))
}

fn closed(form: Form, message: Value) -> String {
    let whole = match form {
        Form::Wrapped => json!({"payload": message}),
        Form::Bare => message,
    };
    base64url::encode(whole.to_string())
}
