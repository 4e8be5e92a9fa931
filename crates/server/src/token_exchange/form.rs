//! The request of RFC 8693, section 2.1: a form.

use avouch_wire::EvidenceKind;
use percent_encoding::percent_decode_str;

use super::ExchangeRefused;

/// The kind of request.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// A JWT, as subject token and as answer (RFC 8693, section 3).
pub(crate) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// Evidence: the body of an attest request in base64url, whose kind is in `evidence_type`.
pub(crate) const EVIDENCE: &str = "urn:avouch:params:oauth:token-type:evidence";
/// Most parameters in a form.
const PARAMETERS_MAX: usize = 16;

/// What is exchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// An attestation token.
    Token(String),
    /// Evidence, base64url of the body of a request to its attest route.
    Evidence {
        /// Its kind.
        kind: EvidenceKind,
        /// The body in base64url.
        body: String,
    },
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeRequest {
    pub(crate) subject: Subject,
    pub(crate) audience: String,
}

#[derive(Default)]
struct Form(Vec<(String, String)>);

impl ExchangeRequest {
    /// Reads a form. Each parameter is given once; one that would change what is given, and is not served, is
    /// refused; others are not looked at (RFC 6749, section 3.2).
    ///
    /// # Errors
    /// [`ExchangeRefused`] with the error that OAuth has for it.
    pub fn parse(body: &[u8]) -> Result<Self, ExchangeRefused> {
        let form = Form::parse(body)?;
        if form.required("grant_type")? != GRANT_TYPE {
            let error = "unsupported_grant_type";
            let description = format!("grant_type is not {GRANT_TYPE}");
            return Err(ExchangeRefused { error, description });
        }
        for unserved in ["actor_token", "actor_token_type"] {
            if form.get(unserved).is_some() {
                return Err(ExchangeRefused::request(format!("{unserved} is not served")));
            }
        }
        if form.get("resource").is_some() {
            return Err(ExchangeRefused::target("resource is not served: name an audience"));
        }
        if form.get("scope").is_some_and(|scope| !scope.is_empty()) {
            let description = "scope is not served".to_owned();
            return Err(ExchangeRefused { error: "invalid_scope", description });
        }
        if form.get("requested_token_type").is_some_and(|wanted| wanted != JWT) {
            return Err(ExchangeRefused::request(format!("requested_token_type is not {JWT}")));
        }
        let token = form.required("subject_token")?.to_owned();
        let subject = match form.required("subject_token_type")? {
            JWT => Subject::Token(token),
            EVIDENCE => {
                let name = form.required("evidence_type")?;
                let kind = kind_of(name).ok_or_else(|| {
                    ExchangeRefused::request("evidence_type is no kind of evidence in one message")
                })?;
                Subject::Evidence { kind, body: token }
            }
            _ => {
                let text = format!("subject_token_type is neither {JWT} nor {EVIDENCE}");
                return Err(ExchangeRefused::request(text));
            }
        };
        Ok(Self { subject, audience: form.required("audience")?.to_owned() })
    }

    /// What is exchanged.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// For whom.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }
}

/// Kinds whose evidence is one message, answered with a token.
fn kind_of(name: &str) -> Option<EvidenceKind> {
    use EvidenceKind::{OpenEnclave, Sgx, Snp, Tdx};
    EvidenceKind::from_policy_name(name).filter(|kind| [Sgx, OpenEnclave, Snp, Tdx].contains(kind))
}

impl Form {
    fn parse(body: &[u8]) -> Result<Self, ExchangeRefused> {
        let text = str::from_utf8(body)
            .map_err(|_| ExchangeRefused::request("the body is no form: it is not utf-8"))?;
        let mut form = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if form.get(&name).is_some() {
                return Err(ExchangeRefused::request("a parameter is given twice"));
            }
            if form.0.len() == PARAMETERS_MAX {
                return Err(ExchangeRefused::request("the form has too many parameters"));
            }
            form.0.push((name, value));
        }
        Ok(form)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn required(&self, name: &str) -> Result<&str, ExchangeRefused> {
        self.get(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| ExchangeRefused::request(format!("{name} is missing")))
    }
}

fn decoded(text: &str) -> Result<String, ExchangeRefused> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| ExchangeRefused::request("a parameter is not utf-8"))
}
