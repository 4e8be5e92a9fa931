//! Making policy JWS, in the forms that clients make.

use avouch_pki::{Certificate, ecdsa};
use avouch_wire::base64url;
use avouch_wire::json::write_string;
use thiserror::Error;

use crate::x5c::key_type;
use crate::{Algorithm, SignError, Signer};

/// What a policy JWS says.
#[derive(Debug, Clone, Copy)]
pub enum JwsContent<'a> {
    /// Set this policy text.
    Policy(&'a str),
    /// Reset the policy.
    Reset,
    /// Add or remove this policy certificate.
    Certificate(&'a Certificate),
}

/// How an unsigned JWS is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnsignedForm {
    /// Compact JSON, header `{"alg":"none"}`: the JavaScript, .NET, C++ and Java SDKs.
    #[default]
    Compact,
    /// The Python SDK: a space after each colon of the payload.
    Python,
    /// The Azure CLI: compact JSON, header `{"typ":"JWT","alg":"none"}`.
    AzureCli,
}

/// How a signed JWS is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignedForm {
    /// Compact JSON, header `{"alg","x5c"}` with JOSE names and `r || s` signatures: the
    /// JavaScript, .NET and C++ SDKs.
    #[default]
    Compact,
    /// The Python SDK: spaces, `RSA256` or `ECDH256`, certificates in `jwk`, DER signatures.
    Python,
}

/// A key and the certificates for it, the key's own first.
#[derive(Clone, Copy)]
pub struct PolicySigner<'a> {
    key: &'a dyn Signer,
    certificates: &'a [Certificate],
    id: Option<&'a str>,
}

/// Why a policy JWS was not made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CreateError {
    /// No certificate for the key.
    #[error("no certificate for the signing key")]
    NoCertificate,
    /// The first certificate is for another key.
    #[error("the first certificate ({subject:?}) is not for the signing key")]
    CertificateForOtherKey {
        /// Subject of the certificate.
        subject: String,
    },
    /// The key signs with an algorithm that the form has no name for.
    #[error("{algorithm} signatures cannot be written in this form")]
    Algorithm {
        /// The key's algorithm.
        algorithm: Algorithm,
    },
    /// The key cannot be used.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl<'a> PolicySigner<'a> {
    /// Puts a key and its certificates together.
    ///
    /// # Errors
    /// [`CreateError`] if there is no certificate, or the first is for another key.
    pub fn new(key: &'a dyn Signer, certificates: &'a [Certificate]) -> Result<Self, CreateError> {
        let first = certificates.first().ok_or(CreateError::NoCertificate)?;
        if first.public_key() != key.public_key() {
            let subject = first.subject().to_string();
            return Err(CreateError::CertificateForOtherKey { subject });
        }
        Ok(Self { key, certificates, id: None })
    }

    /// The same, with a `jti` in the header of what is signed: so that it differs from what was
    /// signed before, where a service takes a signed request only once.
    #[must_use]
    pub const fn with_id(self, id: &'a str) -> Self {
        Self { id: Some(id), ..self }
    }

    fn header(self, algorithm: &str, form: SignedForm, writer: Writer) -> String {
        let chain = writer.member("x5c", &writer.chain(self.certificates));
        let chain = match form {
            SignedForm::Compact => chain,
            SignedForm::Python => writer.member("jwk", &format!("{{{chain}}}")),
        };
        let mut members = vec![writer.text_member("alg", algorithm)];
        members.extend(self.id.map(|id| writer.text_member("jti", id)));
        members.push(chain);
        format!("{{{}}}", members.join(writer.comma))
    }
}

/// A signature over `content` that stands beside it: a compact JWS whose payload is left out
/// (RFC 7515, appendix F), with the signer's certificates in its header.
///
/// # Errors
/// [`CreateError::Sign`] if the key cannot be used.
pub fn sign_detached(content: &[u8], signer: PolicySigner<'_>) -> Result<String, CreateError> {
    let name = signer.key.algorithm().name();
    let header = base64url::encode(signer.header(name, SignedForm::Compact, Writer::COMPACT));
    let signature = signer.key.sign(super::detached::signing_input(&header, content).as_bytes())?;
    Ok(format!("{header}..{}", base64url::encode(signature)))
}

/// An unsigned JWS. Providers of trust model AAD accept it, isolated ones do not.
#[must_use]
pub fn create_unsigned(content: JwsContent<'_>, form: UnsignedForm) -> String {
    let (header, writer) = match form {
        UnsignedForm::Compact => (r#"{"alg":"none"}"#, Writer::COMPACT),
        UnsignedForm::Python => (r#"{"alg":"none"}"#, Writer::PYTHON),
        UnsignedForm::AzureCli => (r#"{"typ":"JWT","alg":"none"}"#, Writer::COMPACT),
    };
    format!("{}.{}.", base64url::encode(header), base64url::encode(writer.payload(content)))
}

/// A JWS signed by `signer`.
///
/// # Errors
/// [`CreateError::Algorithm`] if the form has no name for the key's algorithm,
/// [`CreateError::Sign`] if the key cannot be used.
pub fn create_signed(
    content: JwsContent<'_>,
    form: SignedForm,
    signer: PolicySigner<'_>,
) -> Result<String, CreateError> {
    let algorithm = signer.key.algorithm();
    let (name, writer) = match (form, algorithm) {
        (SignedForm::Compact, Algorithm::Rs256 | Algorithm::Es256 | Algorithm::Es384) => {
            (algorithm.name(), Writer::COMPACT)
        }
        (SignedForm::Python, Algorithm::Rs256) => ("RSA256", Writer::PYTHON),
        (SignedForm::Python, Algorithm::Es256) => ("ECDH256", Writer::PYTHON),
        _ => return Err(CreateError::Algorithm { algorithm }),
    };
    let header = signer.header(name, form, writer);
    let mut jws =
        format!("{}.{}", base64url::encode(header), base64url::encode(writer.payload(content)));
    let mut signature = signer.key.sign(jws.as_bytes())?;
    if form == SignedForm::Python && algorithm == Algorithm::Es256 {
        signature = ecdsa::to_der(&signature);
    }
    jws.push('.');
    base64url::encode_append(signature, &mut jws);
    Ok(jws)
}

/// JSON with or without spaces.
#[derive(Clone, Copy)]
struct Writer {
    colon: &'static str,
    comma: &'static str,
}

impl Writer {
    const COMPACT: Self = Self { colon: ":", comma: "," };
    const PYTHON: Self = Self { colon: ": ", comma: ", " };

    fn payload(self, content: JwsContent<'_>) -> String {
        match content {
            JwsContent::Reset => String::new(),
            JwsContent::Policy(text) => {
                format!("{{{}}}", self.text_member("AttestationPolicy", &base64url::encode(text)))
            }
            JwsContent::Certificate(certificate) => {
                let jwk = format!(
                    "{{{}{}{}}}",
                    self.text_member("kty", key_type(certificate)),
                    self.comma,
                    self.member("x5c", &self.chain(std::slice::from_ref(certificate))),
                );
                format!("{{{}}}", self.member("policyCertificate", &jwk))
            }
        }
    }

    fn chain(self, certificates: &[Certificate]) -> String {
        let quoted: Vec<String> = certificates
            .iter()
            .map(|certificate| quote(&base64url::encode_standard(certificate.der())))
            .collect();
        format!("[{}]", quoted.join(self.comma))
    }

    fn text_member(self, name: &str, text: &str) -> String {
        self.member(name, &quote(text))
    }

    fn member(self, name: &str, json: &str) -> String {
        format!("{}{}{json}", quote(name), self.colon)
    }
}

fn quote(text: &str) -> String {
    let mut out = String::new();
    write_string(text, &mut out);
    out
}
