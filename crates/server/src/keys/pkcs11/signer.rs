//! Signing keys that a PKCS#11 token makes and keeps: what signs is the token.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use avouch_pki::{KeyKind, PublicKey, digest};
use avouch_store::{KeyPurpose, KeyRecord, KeyScope, ProviderId};
use avouch_token::{Algorithm, KeySpec, SignError, Signer, key_id};
use avouch_wire::encode_hex;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use zeroize::Zeroizing;

use super::sessions::{Borrowed, TokenPlace, TokenSessions, failed};
use super::{TokenKeyError, public};

/// Bytes of the identifier of a key in the token.
const ID_BYTES: usize = 16;
/// How the labels of keys begin.
const LABEL: &str = "avouch ";
/// What a key signs to show that it is the one that is meant; no token begins so.
const PROOF: &[u8] = b"avouch proof of a signing key 1";

/// A PKCS#11 token that keeps signing keys. Its module is loaded when a key is first needed.
pub struct SigningToken {
    sessions: TokenSessions,
    name: String,
}

/// A key in the token that no record names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnrecordedKey(Named);

impl UnrecordedKey {
    /// Its identifier, in hex.
    #[must_use]
    pub fn id(&self) -> String {
        encode_hex(&self.0.id)
    }

    /// Its label: purpose, number of the provider or 0, and algorithm.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.0.label
    }
}

/// Which key of a token is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Named {
    /// `CKA_ID`.
    id: Vec<u8>,
    /// `CKA_LABEL`: what the key is for. Whoever can write the database cannot change it, so that a key for
    /// reports signs no tokens, nor does one that somebody else has in the token.
    label: String,
}

impl SigningToken {
    /// The token at a place, with at most so many sessions at once.
    #[must_use]
    pub fn new(place: TokenPlace, pin: Zeroizing<String>, sessions_max: usize) -> Arc<Self> {
        let name = format!("pkcs11 {}", place.token);
        Arc::new(Self { sessions: TokenSessions::new(place, pin, sessions_max), name })
    }

    /// What it is called in key records, in the place of a master key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a key record speaks of a key in some token.
    #[must_use]
    pub fn holds_key_of(record: &KeyRecord) -> bool {
        record.wrapping_key.starts_with("pkcs11 ")
    }

    /// Makes a key pair in the token: the private key cannot leave it.
    ///
    /// # Errors
    /// [`TokenKeyError`].
    ///
    /// # Source
    /// OASIS PKCS #11 Cryptographic Token Interface 2.40, sections 4.8, 4.9 and 5.13; mechanisms of
    /// Current Mechanisms 2.40, sections 2.1.4 and 2.3.5.
    pub fn generate(
        self: &Arc<Self>,
        spec: KeySpec,
        scope: KeyScope<'_>,
    ) -> Result<TokenSigner, TokenKeyError> {
        let mut id = [0; ID_BYTES];
        SystemRandom::new().fill(&mut id).map_err(|_| TokenKeyError::Random)?;
        let named = Named { id: id.to_vec(), label: label(scope) };
        let (mechanism, kind) = public::kind(spec);
        let both = [
            Attribute::Token(true),
            Attribute::Id(named.id.clone()),
            Attribute::Label(named.label.clone().into_bytes()),
        ];
        let public = [&both[..], &[Attribute::Private(false), Attribute::Verify(true)], &kind];
        let private = [
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
        ];
        let (public, private) = (public.concat(), [&both[..], &private].concat());
        let mut has_begun = false;
        let made = self.sessions.with_writing(|session| {
            has_begun = true;
            let made = session.generate_key_pair(&mechanism, &public, &private);
            let (public, _) = made.map_err(failed("making a key pair"))?;
            public::read(session, public, spec)
        });
        let signer = made.and_then(|public_key| {
            let signer = TokenSigner::new(self, named.clone(), public_key, spec.algorithm())?;
            signer.check()?;
            Ok(signer)
        });
        // What cannot be used is not left behind.
        signer.inspect_err(|_| {
            if has_begun {
                drop(self.destroy(&named));
            }
        })
    }

    /// The key of a record.
    ///
    /// # Errors
    /// [`TokenKeyError`] if the token does not have it, or could give it away.
    pub fn key_of(self: &Arc<Self>, record: &KeyRecord) -> Result<TokenSigner, TokenKeyError> {
        let label = label(record.scope());
        let other = || TokenKeyError::OtherKey { label: label.clone() };
        let public_key = PublicKey::from_spki(&record.public_key).map_err(|_| other())?;
        let algorithm = Algorithm::from_name(&record.algorithm)
            .filter(|algorithm| algorithm.fits(public_key.kind()))
            .ok_or_else(other)?;
        if record.wrapping_key != self.name || record.kid != key_id(&public_key) {
            return Err(other());
        }
        let named = Named { id: record.wrapped_private_key.clone(), label: label.clone() };
        let signer = TokenSigner::new(self, named, public_key, algorithm)?;
        signer.check()?;
        Ok(signer)
    }

    /// Destroys the key of a record, if the token has it.
    ///
    /// # Errors
    /// [`TokenKeyError`] if the token does not answer.
    pub fn destroy_key_of(&self, record: &KeyRecord) -> Result<(), TokenKeyError> {
        self.destroy_named(&record.wrapped_private_key, record.scope())
    }

    /// The same for a key without a record.
    ///
    /// # Errors
    /// As [`SigningToken::destroy_key_of`].
    pub(in crate::keys) fn destroy_named(
        &self,
        id: &[u8],
        scope: KeyScope<'_>,
    ) -> Result<(), TokenKeyError> {
        self.destroy(&Named { id: id.to_vec(), label: label(scope) })
    }

    /// The keys in the token that are labelled as such of a service like this one, and that none of these records
    /// names, by label and identifier, whatever order the token gives them in. Those of another service in the
    /// same token are among them: a token does not tell them apart.
    ///
    /// # Errors
    /// [`TokenKeyError`] if the token does not answer.
    pub fn unrecorded(&self, records: &[KeyRecord]) -> Result<Vec<UnrecordedKey>, TokenKeyError> {
        let of_record = |record: &KeyRecord| Named {
            id: record.wrapped_private_key.clone(),
            label: label(record.scope()),
        };
        let own = records.iter().filter(|record| record.wrapping_key == self.name);
        let recorded: HashSet<Named> = own.map(of_record).collect();
        let all = self.sessions.with(|borrowed| all_keys(borrowed.session))?;
        let mut left: Vec<Named> =
            all.into_iter().filter(|named| !recorded.contains(named)).collect();
        left.sort_by(|one, other| (&one.label, &one.id).cmp(&(&other.label, &other.id)));
        Ok(left.into_iter().map(UnrecordedKey).collect())
    }

    /// Destroys such a key.
    ///
    /// # Errors
    /// As [`SigningToken::destroy_key_of`].
    pub fn destroy_unrecorded(&self, key: &UnrecordedKey) -> Result<(), TokenKeyError> {
        self.destroy(&key.0)
    }

    fn destroy(&self, named: &Named) -> Result<(), TokenKeyError> {
        self.sessions.with_writing(|session| {
            let found = session.find_objects(&named.template());
            for object in found.map_err(failed("looking for a key"))? {
                session.destroy_object(object).map_err(failed("destroying a key"))?;
            }
            Ok(())
        })
    }
}

impl fmt::Debug for SigningToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningToken").field(self.sessions.place()).finish()
    }
}

impl Named {
    fn template(&self) -> Vec<Attribute> {
        vec![
            Attribute::Id(self.id.clone()),
            Attribute::Label(self.label.clone().into_bytes()),
            Attribute::Token(true),
        ]
    }
}

/// The private keys in a token whose labels are of the form that this service gives.
fn all_keys(session: &Session) -> Result<Vec<Named>, TokenKeyError> {
    let template = [Attribute::Token(true), Attribute::Class(ObjectClass::PRIVATE_KEY)];
    let mut all = Vec::new();
    for key in session.find_objects(&template).map_err(failed("looking for keys"))? {
        let asked = [AttributeType::Id, AttributeType::Label];
        let said = session.get_attributes(key, &asked).map_err(failed("describing a key"))?;
        let (mut id, mut label) = (Vec::new(), String::new());
        for attribute in said {
            match attribute {
                Attribute::Id(bytes) => id = bytes,
                Attribute::Label(bytes) => label = String::from_utf8(bytes).unwrap_or_default(),
                _ => {}
            }
        }
        let is_ours = KeyPurpose::ALL
            .iter()
            .any(|purpose| label.starts_with(&format!("{LABEL}{} ", purpose.as_str())));
        if is_ours && id.len() == ID_BYTES {
            all.push(Named { id, label });
        }
    }
    Ok(all)
}

/// What a key is for.
fn label(scope: KeyScope<'_>) -> String {
    let provider = scope.provider.map_or(0, ProviderId::get);
    format!("{LABEL}{} {provider} {}", scope.purpose.as_str(), scope.algorithm)
}

/// A signing key in a token.
pub struct TokenSigner {
    token: Arc<SigningToken>,
    named: Named,
    algorithm: Algorithm,
    public_key: PublicKey,
    kid: String,
    signature_bytes: usize,
    /// The private key's handle, and the connection in which it was found.
    found: Mutex<Option<(u64, ObjectHandle)>>,
}

impl TokenSigner {
    fn new(
        token: &Arc<SigningToken>,
        named: Named,
        public_key: PublicKey,
        algorithm: Algorithm,
    ) -> Result<Self, TokenKeyError> {
        let signature_bytes = match public_key.kind() {
            KeyKind::Rsa { modulus_bits: bits @ (2048 | 3072 | 4096) } => bits / 8,
            KeyKind::P256 => 64,
            KeyKind::P384 => 96,
            _ => return Err(TokenKeyError::OtherKey { label: named.label }),
        };
        let (token, kid) = (Arc::clone(token), key_id(&public_key));
        let found = Mutex::default();
        Ok(Self { token, named, algorithm, public_key, kid, signature_bytes, found })
    }

    /// What the record of this key holds in the place of a wrapped private key: the key's identifier.
    #[must_use]
    pub fn reference(&self) -> &[u8] {
        &self.named.id
    }

    /// The token that has it.
    #[must_use]
    pub const fn token(&self) -> &Arc<SigningToken> {
        &self.token
    }

    /// Asks the token whether it has this very key.
    fn check(&self) -> Result<(), TokenKeyError> {
        self.token.sessions.with(|borrowed| self.look_up(borrowed.session).map(drop))
    }

    /// The handle of the private key, found once in each connection.
    fn handle(&self, borrowed: &Borrowed<'_>) -> Result<ObjectHandle, TokenKeyError> {
        let known = *self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((connection, handle)) = known
            && connection == borrowed.connection
        {
            return Ok(handle);
        }
        let handle = self.look_up(borrowed.session)?;
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        *found = Some((borrowed.connection, handle));
        Ok(handle)
    }

    /// The one private key of its name.
    fn find(&self, session: &Session) -> Result<ObjectHandle, TokenKeyError> {
        let template =
            [self.named.template(), vec![Attribute::Class(ObjectClass::PRIVATE_KEY)]].concat();
        let found = session.find_objects(&template).map_err(failed("looking for a key"))?;
        match found.as_slice() {
            [handle] => Ok(*handle),
            other => {
                let (label, found) = (self.named.label.clone(), other.len());
                Err(TokenKeyError::SigningKey { label, found })
            }
        }
    }

    /// Finds the private key and sees that it stays where it is, and is the one of the public key.
    fn look_up(&self, session: &Session) -> Result<ObjectHandle, TokenKeyError> {
        let handle = self.find(session)?;
        let asked = [
            AttributeType::Sensitive,
            AttributeType::Extractable,
            AttributeType::NeverExtractable,
            AttributeType::Local,
        ];
        let said = session.get_attributes(handle, &asked).map_err(failed("describing a key"))?;
        let stays = [
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::NeverExtractable(true),
            Attribute::Local(true),
        ];
        if !stays.iter().all(|attribute| said.contains(attribute)) {
            return Err(TokenKeyError::Extractable { label: self.named.label.clone() });
        }
        let signature = self.sign_in(session, handle, PROOF)?;
        let holds = self.public_key.verify(self.algorithm.scheme(), PROOF, &signature);
        holds.map_err(|_| TokenKeyError::OtherKey { label: self.named.label.clone() })?;
        Ok(handle)
    }

    fn sign_in(
        &self,
        session: &Session,
        key: ObjectHandle,
        message: &[u8],
    ) -> Result<Vec<u8>, TokenKeyError> {
        let signature = match self.algorithm {
            Algorithm::Es256 => {
                session.sign(&Mechanism::Ecdsa, key, digest::sha256(message).as_bytes())
            }
            Algorithm::Es384 => {
                session.sign(&Mechanism::Ecdsa, key, digest::sha384(message).as_bytes())
            }
            _ => session.sign(&Mechanism::Sha256RsaPkcs, key, message),
        };
        let signature = signature.map_err(failed("signing"))?;
        match signature.len() == self.signature_bytes {
            true => Ok(signature),
            false => Err(TokenKeyError::Signature { found: signature.len() }),
        }
    }
}

impl Signer for TokenSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn kid(&self) -> &str {
        &self.kid
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signed = self.token.sessions.with(|borrowed| {
            let handle = self.handle(&borrowed)?;
            self.sign_in(borrowed.session, handle, message)
        });
        signed.map_err(|error| self.external(&error))
    }

    /// Looks for the key, which costs the token no signature.
    fn probe(&self) -> Result<(), SignError> {
        let found = self.token.sessions.with(|borrowed| self.find(borrowed.session).map(drop));
        found.map_err(|error| self.external(&error))
    }
}

impl TokenSigner {
    fn external(&self, error: &TokenKeyError) -> SignError {
        SignError::External { kid: self.kid.clone(), reason: error.to_string() }
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSigner")
            .field("kid", &self.kid)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}
