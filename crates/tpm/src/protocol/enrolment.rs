//! Enrolment: how a machine without an AIK certificate shows that its attestation key is a TPM's. It is
//! Avouch's own; MAA leaves it to a CA.
//!
//! Two rounds, of which the service remembers nothing. The client sends the certificate of its endorsement
//! key and the public areas of both keys; the service answers with a credential that only the TPM of that
//! certificate opens, and only while it holds that attestation key. The client sends the secret in it; the
//! service answers with a sealed [`Enrolment`], which stands where an AIK certificate would.

use avouch_pki::digest::sha256;
use avouch_pki::{KeyKind, Root};
use avouch_wire::{Cursor, Hex, ParseError, UnixTime, base64url, failed_check};
use serde::Serialize;
use serde_json::json;
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::context::SKEW_SECONDS;
use super::envelope::{Form, closed};
use super::members::Members;
use super::sealed::{self, ContextKey, NONCE_BYTES, Unopened};
use super::{ContextError, OpenContext, ProtocolError};
use crate::{
    AcceptableKey, ActivationSecret, AkError, AkRules, AttestationKey, Credential, CredentialError,
    EndorsementKey, Fill, Public, PublicError, TpmCertificateError, TrustAnchors,
    VerifiedActivation, make_credential, verify_ek_certificate,
};

/// What a pending enrolment is sealed for.
const PENDING_PURPOSE: &[u8] = b"avouch TPM pending enrolment 1";
/// What an enrolment is sealed for.
const PURPOSE: &[u8] = b"avouch TPM enrolment 1";
/// Longest sealed text; those of RSA-2048 keys have some 900 characters.
const TEXT_BYTES_MAX: usize = 8 * 1024;
/// Bytes of the secret: as many as the shortest digest that an endorsement key's Name is made with.
const SECRET_BYTES: usize = 32;
/// Most certificates above the endorsement key's.
const CHAIN_MAX: usize = 8;

/// It asks for a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enroll {
    /// DER of the endorsement key's certificate.
    pub ek_certificate: Vec<u8>,
    /// DER of certificates between it and the manufacturer's root.
    pub ek_chain: Vec<Vec<u8>>,
    /// `TPM2B_PUBLIC` of the endorsement key.
    pub ek_public: Vec<u8>,
    /// `TPM2B_PUBLIC` of the attestation key.
    pub ak_public: Vec<u8>,
}

/// It answers with what the credential held.
#[derive(Clone, PartialEq, Eq)]
pub struct Activate {
    /// The secret.
    pub secret: Vec<u8>,
    /// What the service gave with the credential.
    pub service_context: String,
}

impl std::fmt::Debug for Activate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Activate").finish_non_exhaustive()
    }
}

/// Why a key is not enrolled, or an enrolment does not count.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnrolmentError {
    /// The certificate of the endorsement key is refused.
    #[error(transparent)]
    Certificate(#[from] TpmCertificateError),
    /// A public area is malformed.
    #[error(transparent)]
    Public(#[from] PublicError),
    /// The key may not attest.
    #[error(transparent)]
    Ak(#[from] AkError),
    /// The protocol has no place for such a key.
    #[error("the attestation key {0}")]
    AkKind(&'static str),
    /// The endorsement key is none, or the answer is wrong.
    #[error(transparent)]
    Credential(#[from] CredentialError),
    /// Not an enrolment of any service like this one, or changed.
    #[error("the enrolment does not open")]
    Seal,
    /// Sealed under a key that is not at hand.
    #[error("the enrolment is sealed under another key")]
    Key,
    /// Made by another provider.
    #[error("the enrolment is of another provider")]
    Provider,
    /// The CA above its endorsement key is trusted no longer.
    #[error("the enrolment rests on {label}, which is not trusted")]
    Root {
        /// What the CA is called.
        label: String,
    },
    /// Too old.
    #[error("the key was enrolled at {enrolled_at}, which counts for {life_seconds} s")]
    Expired {
        /// When it was enrolled.
        enrolled_at: UnixTime,
        /// How long that counts, in seconds.
        life_seconds: i64,
    },
    /// Made in the future.
    #[error("the key was enrolled at {enrolled_at}, which is yet to come")]
    Early {
        /// When it was enrolled.
        enrolled_at: UnixTime,
    },
}

failed_check!(EnrolmentError {
    Self::Certificate(error) => (error.check(), TpmCertificateError::checks()),
    Self::Public(error) => (error.check(), PublicError::checks()),
    Self::Ak(error) => (error.check(), AkError::checks()),
    Self::AkKind(_) => "tpm-enrolment-ak",
    Self::Credential(error) => (error.check(), CredentialError::checks()),
    Self::Seal => "tpm-enrolment",
    Self::Key => "tpm-enrolment-key",
    Self::Provider => "tpm-enrolment-provider",
    Self::Root { .. } => "tpm-enrolment-root",
    Self::Expired { .. } => "tpm-enrolment-expired",
    Self::Early { .. } => "tpm-enrolment-early",
});

impl Enroll {
    pub(super) fn read(message: Members<'_>) -> Result<Self, ProtocolError> {
        let chain = message.optional_array("ek_chain")?;
        if chain.len() > CHAIN_MAX {
            return message.refuse("ek_chain", "more certificates than any path has");
        }
        let mut ek_chain = Vec::with_capacity(chain.len());
        for value in chain {
            match value.as_str().and_then(|text| base64url::decode_either(text).ok()) {
                Some(der) => ek_chain.push(der),
                None => return message.refuse("ek_chain", "expected a list of base64"),
            }
        }
        Ok(Self {
            ek_certificate: message.bytes("ek_cert")?,
            ek_chain,
            ek_public: message.bytes("ek_public")?,
            ak_public: message.bytes("ak_public")?,
        })
    }

    /// The `data` of this message.
    #[must_use]
    pub fn message(&self, form: Form) -> String {
        let encode = |bytes: &Vec<u8>| base64url::encode(bytes);
        let chain: Vec<String> = self.ek_chain.iter().map(encode).collect();
        closed(
            form,
            json!({
                "type": "avouch-enroll",
                "ek_cert": encode(&self.ek_certificate),
                "ek_chain": chain,
                "ek_public": encode(&self.ek_public),
                "ak_public": encode(&self.ak_public),
            }),
        )
    }

    /// Verifies the endorsement key's certificate (`cas` are further ones that may stand above it), that the attestation key may attest, and makes a
    /// credential for it; nothing is proven until the credential is answered.
    ///
    /// # Errors
    /// [`EnrolmentError`] of the first check that does not hold.
    pub fn offer(
        &self,
        ek_anchors: &TrustAnchors,
        cas: &[&[u8]],
        rules: AkRules,
        provider: &str,
        at: UnixTime,
        fill: Fill<'_>,
    ) -> Result<(Credential, PendingEnrolment), EnrolmentError> {
        let ak = acceptable(&Public::parse_sized(&self.ak_public)?, rules)?;
        let ek_public = Public::parse_sized(&self.ek_public)?;
        let sent = self.ek_chain.iter().map(Vec::as_slice).chain(cas.iter().copied());
        let sent: Vec<&[u8]> = sent.take(CHAIN_MAX).collect();
        let certificate = verify_ek_certificate(&self.ek_certificate, &sent, ek_anchors, at)?;
        let ek = EndorsementKey::certified(&certificate, &ek_public)?;
        let mut secret = [0; SECRET_BYTES];
        if !fill(&mut secret) {
            return Err(CredentialError::Provider("there is no randomness").into());
        }
        let credential = make_credential(&ek, ak.public().name(), &secret, fill)?;
        // The endorsement key is certified, or no answer would prove anything.
        ActivationSecret::new(&ek, ak.public().name(), &secret)?;
        let identity = Identity {
            provider: sha256(provider.as_bytes()),
            since: at,
            ek_certificate: sha256(certificate.der()),
            root: certificate.facts().root.clone(),
            ak,
        };
        Ok((credential, PendingEnrolment { secret, identity }))
    }
}

impl Activate {
    pub(super) fn read(message: Members<'_>) -> Result<Self, ProtocolError> {
        let service_context = message.text("service_context")?.to_owned();
        Ok(Self { secret: message.bytes("secret")?, service_context })
    }

    /// The `data` of this message.
    #[must_use]
    pub fn message(&self, form: Form) -> String {
        let Self { secret, service_context } = self;
        let secret = base64url::encode(secret);
        closed(
            form,
            json!({"type": "avouch-activate", "secret": secret, "service_context": service_context}),
        )
    }
}

/// A key that may attest, of a kind that requests can name.
fn acceptable(public: &Public, rules: AkRules) -> Result<AcceptableKey, EnrolmentError> {
    if !matches!(public.key().kind(), KeyKind::Rsa { .. }) {
        return Err(EnrolmentError::AkKind("is no RSA key, as requests have them"));
    }
    if !public.name_algorithm().withstands_collisions() {
        return Err(EnrolmentError::AkKind("has a Name by SHA-1, which others can have too"));
    }
    Ok(AcceptableKey::of(public, rules)?)
}

/// Whose key it is.
#[derive(Debug, Clone)]
struct Identity {
    /// SHA-256 of the provider's name.
    provider: Hex<32>,
    since: UnixTime,
    /// SHA-256 of the endorsement key's certificate.
    ek_certificate: Hex<32>,
    root: Root,
    ak: AcceptableKey,
}

impl Identity {
    fn contents(&self) -> Vec<u8> {
        let ak = self.ak.public().bytes();
        let mut out = self.provider.as_bytes().to_vec();
        out.extend(self.since.seconds().to_be_bytes());
        out.extend(self.ek_certificate.as_bytes());
        out.push(self.root.is_built_in.into());
        out.extend(self.root.key_sha256.as_bytes());
        for part in [ak, self.root.label.as_bytes()] {
            // Both are far shorter; what does not fit would not open.
            out.extend(u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
            out.extend(part);
        }
        out
    }

    fn read(cursor: &mut Cursor<'_>, rules: AkRules) -> Option<Self> {
        let found = Fields::read(cursor).ok()?;
        let public = Public::parse(found.ak).ok()?;
        Some(Self {
            provider: found.provider,
            since: UnixTime::from_seconds(found.seconds).ok()?,
            ek_certificate: found.ek_certificate,
            root: Root {
                label: std::str::from_utf8(found.root_label).ok()?.to_owned(),
                is_built_in: found.root_is_built_in,
                key_sha256: found.root_key,
            },
            ak: acceptable(&public, rules).ok()?,
        })
    }

    fn is_of(&self, provider: &str) -> bool {
        let expected = sha256(provider.as_bytes());
        bool::from(self.provider.as_bytes().ct_eq(expected.as_bytes()))
    }
}

/// The bytes of an identity, taken apart.
struct Fields<'a> {
    provider: Hex<32>,
    seconds: i64,
    ek_certificate: Hex<32>,
    root_is_built_in: bool,
    root_key: Hex<32>,
    ak: &'a [u8],
    root_label: &'a [u8],
}

impl<'a> Fields<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        let provider = cursor.hex("provider")?;
        let seconds = i64::from_be_bytes(*cursor.array("since")?);
        let ek_certificate = cursor.hex("ek_certificate")?;
        let root_is_built_in = cursor.u8("root_is_built_in")? != 0;
        let root_key = cursor.hex("root_key")?;
        let mut part = |field| {
            let length = cursor.u16_be(field)?;
            cursor.take(field, length.into())
        };
        let (ak, root_label) = (part("ak")?, part("root_label")?);
        Ok(Self { provider, seconds, ek_certificate, root_is_built_in, root_key, ak, root_label })
    }
}

/// What the service must remember of a credential until it is answered.
#[derive(Clone)]
pub struct PendingEnrolment {
    secret: [u8; SECRET_BYTES],
    identity: Identity,
}

impl std::fmt::Debug for PendingEnrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingEnrolment").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl PendingEnrolment {
    /// The same, given to the client at this moment, where that is not the one it was judged at.
    #[must_use]
    pub fn issued_at(self, since: UnixTime) -> Self {
        Self { identity: Identity { since, ..self.identity }, ..self }
    }

    /// The text that the client sends back; `None` if the provider of cryptography refuses.
    #[must_use]
    pub fn seal(&self, key: &ContextKey, nonce: [u8; NONCE_BYTES]) -> Option<String> {
        let contents = [self.secret.as_slice(), &self.identity.contents()].concat();
        key.seal(PENDING_PURPOSE, nonce, contents)
    }

    /// Opens what the client sent back, and judges that it is this provider's and that its time has not
    /// passed.
    ///
    /// # Errors
    /// [`ContextError`].
    pub fn open(
        text: &str,
        keys: &[ContextKey],
        rules: AkRules,
        expected: OpenContext<'_>,
    ) -> Result<Self, ContextError> {
        let contents = sealed::open(text, TEXT_BYTES_MAX, PENDING_PURPOSE, keys)?;
        let mut cursor = Cursor::new("PendingEnrolment", &contents);
        let secret = *cursor.array("secret").map_err(|_| ContextError::Malformed)?;
        let identity = Identity::read(&mut cursor, rules).ok_or(ContextError::Malformed)?;
        if !identity.is_of(expected.provider) {
            return Err(ContextError::Provider);
        }
        let (issued_at, life_seconds) = (identity.since, expected.life_seconds);
        if expected.at.saturating_add_seconds(SKEW_SECONDS) < issued_at {
            return Err(ContextError::Early { issued_at });
        }
        if issued_at.saturating_add_seconds(life_seconds) < expected.at {
            return Err(ContextError::Expired { issued_at, life_seconds });
        }
        Ok(Self { secret, identity })
    }

    /// Judges the answer, in constant time: then a TPM with the certified endorsement key holds the
    /// attestation key.
    ///
    /// # Errors
    /// [`CredentialError::WrongSecret`].
    pub fn activate(self, answer: &[u8], at: UnixTime) -> Result<Enrolment, EnrolmentError> {
        let name = self.identity.ak.public().name();
        let activation = ActivationSecret::resumed(name, &self.secret).check(answer)?;
        Enrolment::of(Identity { since: at, ..self.identity }, &activation)
    }
}

/// Proof that a TPM of a trusted manufacturer holds an attestation key. Made by
/// [`PendingEnrolment::activate`], or out of a place that only the service can write.
#[derive(Debug, Clone)]
pub struct Enrolment(Identity);

/// What an enrolment says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnrolmentFacts {
    /// SHA-256 of the endorsement key's certificate: which TPM it is.
    pub ek_certificate_sha256: Hex<32>,
    /// The trusted CA above it.
    pub root: Root,
    /// When the key was enrolled.
    pub enrolled_at: UnixTime,
}

impl Enrolment {
    fn of(identity: Identity, activation: &VerifiedActivation) -> Result<Self, EnrolmentError> {
        identity.ak.clone().activated(activation)?;
        Ok(Self(identity))
    }

    /// The text that the client keeps; `None` if the provider of cryptography refuses.
    #[must_use]
    pub fn seal(&self, key: &ContextKey, nonce: [u8; NONCE_BYTES]) -> Option<String> {
        key.seal(PURPOSE, nonce, self.0.contents())
    }

    /// Opens an enrolment, and judges that it is this provider's and that its time has not passed.
    ///
    /// # Errors
    /// [`EnrolmentError`].
    pub fn open(
        text: &str,
        keys: &[ContextKey],
        rules: AkRules,
        expected: OpenContext<'_>,
    ) -> Result<Self, EnrolmentError> {
        let contents =
            sealed::open(text, TEXT_BYTES_MAX, PURPOSE, keys).map_err(|why| match why {
                Unopened::Key => EnrolmentError::Key,
                Unopened::Malformed | Unopened::Seal => EnrolmentError::Seal,
            })?;
        let found = Self::resumed(&contents, rules).ok_or(EnrolmentError::Seal)?;
        if !found.0.is_of(expected.provider) {
            return Err(EnrolmentError::Provider);
        }
        let (enrolled_at, life_seconds) = (found.0.since, expected.life_seconds);
        if expected.at.saturating_add_seconds(SKEW_SECONDS) < enrolled_at {
            return Err(EnrolmentError::Early { enrolled_at });
        }
        if enrolled_at.saturating_add_seconds(life_seconds) < expected.at {
            return Err(EnrolmentError::Expired { enrolled_at, life_seconds });
        }
        Ok(found)
    }

    /// Judges that the CA above its endorsement key is trusted still: enrolments do not outlive that.
    ///
    /// # Errors
    /// [`EnrolmentError::Root`].
    pub fn check_root(&self, anchors: &TrustAnchors) -> Result<(), EnrolmentError> {
        let own = &self.0.root;
        if anchors.roots().any(|root| root.key_sha256 == own.key_sha256) {
            return Ok(());
        }
        Err(EnrolmentError::Root { label: own.label.clone() })
    }

    /// Its bytes, unsealed: for a place that only the service can write.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.contents()
    }

    /// The same, out of such a place; `None` if it is none, or the key may not attest by these rules.
    #[must_use]
    pub fn resumed(bytes: &[u8], rules: AkRules) -> Option<Self> {
        let mut cursor = Cursor::new("Enrolment", bytes);
        let identity = Identity::read(&mut cursor, rules)?;
        cursor.finish().ok()?;
        Some(Self(identity))
    }

    /// What it says.
    #[must_use]
    pub fn facts(&self) -> EnrolmentFacts {
        EnrolmentFacts {
            ek_certificate_sha256: self.0.ek_certificate,
            root: self.0.root.clone(),
            enrolled_at: self.0.since,
        }
    }

    /// SHA-256 of the SubjectPublicKeyInfo of the key.
    #[must_use]
    pub fn aik_sha256(&self) -> Hex<32> {
        sha256(self.0.ak.public().key().spki_der())
    }

    /// The key, bound by what was activated.
    pub(super) fn key(&self) -> AttestationKey {
        self.0.ak.clone().enrolled()
    }
}

impl PartialEq for Enrolment {
    fn eq(&self, other: &Self) -> bool {
        self.to_bytes() == other.to_bytes()
    }
}

impl Eq for Enrolment {}
