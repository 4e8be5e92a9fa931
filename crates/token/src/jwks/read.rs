//! Key sets of others: MAA's, OIDC issuers', our own.

use avouch_pki::{Certificate, KeyError, KeyKind, PublicKey};
use avouch_wire::base64url;
use avouch_wire::json::{JsonError, parse_object};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::x5c::{self, X5cError};
use crate::{Algorithm, REPORT_SIGNING, TokenKind};

/// Largest key set read; MAA's with three embedded quotes has about 40 KB.
const SET_LIMIT_BYTES: usize = 1024 * 1024;
/// Most keys in one set. The largest known issuers publish about ten; of ours a set may have 128 that all
/// providers share and as many of the provider's own.
const KEYS_LIMIT: usize = 256;
/// Shortest RSA modulus that a signature is accepted from, in bits.
const RSA_BITS_MIN: usize = 2048;
/// Longest RSA modulus, in bits.
const RSA_BITS_MAX: usize = 8192;

/// Why a text is not a key set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JwksError {
    /// Not JSON, too long, or a member named twice.
    #[error("key set: {0}")]
    Json(#[from] JsonError),
    /// No array `keys`.
    #[error("key set has no array \"keys\"")]
    NoKeys,
    /// More keys than accepted.
    #[error("key set has {found} keys, over the limit of {limit}")]
    TooMany {
        /// Keys found.
        found: usize,
        /// The limit.
        limit: usize,
    },
}

/// Why one key of a set cannot check signatures. The others can.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnusableReason {
    /// No object.
    #[error("not an object")]
    NotObject,
    /// A member of another type or form than RFC 7517 says.
    #[error("member {0} is malformed")]
    Malformed(&'static str),
    /// `kty` is neither `RSA` nor `EC`, or absent.
    #[error("key type {0:?} is not supported")]
    KeyType(String),
    /// `crv` is neither `P-256` nor `P-384`.
    #[error("curve {0:?} is not supported")]
    Curve(String),
    /// Neither public values nor `x5c`.
    #[error("neither public values nor x5c")]
    NoKeyMaterial,
    /// `use` or `key_ops` say that it is for something else than signatures.
    #[error("not meant for signatures")]
    OtherUse,
    /// `alg` is none of those supported, or not for this type of key.
    #[error("algorithm {0:?} is not supported for this key")]
    Algorithm(String),
    /// An RSA modulus outside of 2048 to 8192 bits.
    #[error("RSA modulus of {found} bits, accepted are 2048 to 8192")]
    ModulusBits {
        /// Its length in bits.
        found: usize,
    },
    /// A chain of certificates that cannot be read.
    #[error(transparent)]
    X5c(#[from] X5cError),
    /// Public values that form no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The first certificate is for another key than the public values.
    #[error("x5c[0] is for another key than the public values")]
    CertificateForOtherKey,
}

/// A key of a set that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusableKey {
    /// Its index in the set.
    pub index: usize,
    /// Its identifier, if it has one.
    pub kid: Option<String>,
    /// Why it was left out.
    pub reason: UnusableReason,
}

/// One key that can check signatures. Whether it deserves trust depends on where the set came from.
#[derive(Debug, Clone)]
pub struct Jwk {
    kid: Option<String>,
    algorithm: Option<Algorithm>,
    key: PublicKey,
    certificates: Vec<Certificate>,
}

impl Jwk {
    /// The key's identifier, if the set gives one.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The only algorithm that the set allows the key for, if it says so.
    #[must_use]
    pub const fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// The key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The certificates of `x5c`, the key's own first: parsed, not verified.
    #[must_use]
    pub fn untrusted_certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// What the key signs: reports if its certificate has the extended key usage for that, else
    /// attestation tokens.
    ///
    /// # Source
    /// `docs/maa/keys.md#report-keys`.
    #[must_use]
    pub fn signs(&self) -> TokenKind {
        let usages = self.certificates.first().map(Certificate::extended_key_usages);
        match usages.is_some_and(|usages| usages.iter().any(|usage| usage == REPORT_SIGNING)) {
            true => TokenKind::Report,
            false => TokenKind::Attestation,
        }
    }

    /// Whether the key may check a signature by `algorithm`: the type of key decides, and `alg`
    /// where the set has it.
    #[must_use]
    pub fn serves(&self, algorithm: Algorithm) -> bool {
        algorithm.fits(self.key.kind()) && self.algorithm.is_none_or(|allowed| allowed == algorithm)
    }

    fn read(value: &Value) -> Result<Self, UnusableReason> {
        let members = value.as_object().ok_or(UnusableReason::NotObject)?;
        check_use(members)?;
        let kid = text(members, "kid")?.map(str::to_owned);
        let certificates = certificates(members)?;
        let key = match (public_values(members)?, certificates.first()) {
            (Some(key), Some(first)) if *first.public_key() != key => {
                return Err(UnusableReason::CertificateForOtherKey);
            }
            (Some(key), _) => key,
            (None, Some(first)) => first.public_key().clone(),
            (None, None) => return Err(UnusableReason::NoKeyMaterial),
        };
        check_type(members, &key)?;
        let algorithm = algorithm(members, &key)?;
        Ok(Self { kid, algorithm, key, certificates })
    }
}

/// A key set as read: the keys that can be used, and why the others cannot.
#[derive(Debug, Clone, Default)]
pub struct Jwks {
    keys: Vec<Jwk>,
    unusable: Vec<UnusableKey>,
}

impl Jwks {
    /// Reads `{"keys":[…]}` of at most 1 MiB and 256 keys.
    ///
    /// A key that cannot be used (another type, a short modulus, a broken certificate) is left out
    /// and listed in [`Jwks::unusable`]; the issuer's other keys still serve.
    ///
    /// # Errors
    /// [`JwksError`] if the text as a whole is no key set.
    pub fn parse(text: &[u8]) -> Result<Self, JwksError> {
        let set = parse_object(text, SET_LIMIT_BYTES)?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or(JwksError::NoKeys)?;
        if keys.len() > KEYS_LIMIT {
            return Err(JwksError::TooMany { found: keys.len(), limit: KEYS_LIMIT });
        }
        let mut read = Self::default();
        for (index, value) in keys.iter().enumerate() {
            match Jwk::read(value) {
                Ok(key) => read.keys.push(key),
                Err(reason) => {
                    let kid = value.get("kid").and_then(Value::as_str).map(str::to_owned);
                    read.unusable.push(UnusableKey { index, kid, reason });
                }
            }
        }
        Ok(read)
    }

    /// The keys that can be used, in the order of the set.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The keys that were left out.
    #[must_use]
    pub fn unusable(&self) -> &[UnusableKey] {
        &self.unusable
    }
}

/// The key that a JWK's public values stand for, whatever it is meant for: RSA of any length, P-256,
/// P-384 or P-521. `use`, `key_ops`, `alg` and certificates are not looked at.
///
/// # Errors
/// [`UnusableReason`] if the values are absent or malformed, or the key is weak (ROCA).
pub fn public_key_of_jwk(members: &Map<String, Value>) -> Result<PublicKey, UnusableReason> {
    public_values(members)?.ok_or(UnusableReason::NoKeyMaterial)
}

fn text<'a>(
    members: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, UnusableReason> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(UnusableReason::Malformed(name)),
    }
}

fn octets(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<Vec<u8>>, UnusableReason> {
    text(members, name)?
        .map(|text| base64url::decode(text).map_err(|_| UnusableReason::Malformed(name)))
        .transpose()
}

fn check_use(members: &Map<String, Value>) -> Result<(), UnusableReason> {
    if text(members, "use")?.is_some_and(|found| found != "sig") {
        return Err(UnusableReason::OtherUse);
    }
    match members.get("key_ops") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(operations)) if operations.iter().any(|found| found == "verify") => {
            Ok(())
        }
        Some(Value::Array(_)) => Err(UnusableReason::OtherUse),
        Some(_) => Err(UnusableReason::Malformed("key_ops")),
    }
}

fn check_type(members: &Map<String, Value>, key: &PublicKey) -> Result<(), UnusableReason> {
    let found = text(members, "kty")?.unwrap_or_default();
    match (found, key.kind()) {
        ("EC", KeyKind::P256 | KeyKind::P384 | KeyKind::P521) => Ok(()),
        ("RSA", KeyKind::Rsa { modulus_bits }) => {
            if (RSA_BITS_MIN..=RSA_BITS_MAX).contains(&modulus_bits) {
                Ok(())
            } else {
                Err(UnusableReason::ModulusBits { found: modulus_bits })
            }
        }
        _ => Err(UnusableReason::KeyType(found.to_owned())),
    }
}

fn algorithm(
    members: &Map<String, Value>,
    key: &PublicKey,
) -> Result<Option<Algorithm>, UnusableReason> {
    let Some(name) = text(members, "alg")? else {
        return Ok(None);
    };
    Algorithm::from_name(name)
        .filter(|algorithm| algorithm.fits(key.kind()))
        .map(Some)
        .ok_or_else(|| UnusableReason::Algorithm(name.to_owned()))
}

/// The key that `n` and `e`, or `crv`, `x` and `y`, stand for; none if all are absent.
fn public_values(members: &Map<String, Value>) -> Result<Option<PublicKey>, UnusableReason> {
    match text(members, "kty")?.unwrap_or_default() {
        "RSA" => rsa(members),
        "EC" => elliptic(members),
        other => Err(UnusableReason::KeyType(other.to_owned())),
    }
}

fn rsa(members: &Map<String, Value>) -> Result<Option<PublicKey>, UnusableReason> {
    let (modulus, exponent) = match (octets(members, "n")?, octets(members, "e")?) {
        (Some(modulus), Some(exponent)) => (modulus, exponent),
        (None, None) => return Ok(None),
        (None, _) => return Err(UnusableReason::Malformed("n")),
        (_, None) => return Err(UnusableReason::Malformed("e")),
    };
    Ok(Some(PublicKey::rsa(&modulus, &exponent)?))
}

fn elliptic(members: &Map<String, Value>) -> Result<Option<PublicKey>, UnusableReason> {
    let (x, y) = match (octets(members, "x")?, octets(members, "y")?) {
        (Some(x), Some(y)) => (x, y),
        (None, None) => return Ok(None),
        (None, _) => return Err(UnusableReason::Malformed("x")),
        (_, None) => return Err(UnusableReason::Malformed("y")),
    };
    let curve = text(members, "crv")?.unwrap_or_default();
    if x.len() != y.len() {
        return Err(UnusableReason::Malformed("y"));
    }
    let point = [x, y].concat();
    match curve {
        "P-256" => <&[u8; 64]>::try_from(point.as_slice())
            .map(|xy| Some(PublicKey::p256(xy)))
            .map_err(|_| UnusableReason::Malformed("x")),
        "P-384" => <&[u8; 96]>::try_from(point.as_slice())
            .map(|xy| Some(PublicKey::p384(xy)))
            .map_err(|_| UnusableReason::Malformed("x")),
        "P-521" => <&[u8; 132]>::try_from(point.as_slice())
            .map(|xy| Some(PublicKey::p521(xy)))
            .map_err(|_| UnusableReason::Malformed("x")),
        other => Err(UnusableReason::Curve(other.to_owned())),
    }
}

fn certificates(members: &Map<String, Value>) -> Result<Vec<Certificate>, UnusableReason> {
    match members.get("x5c") {
        None | Some(Value::Null) => Ok(Vec::new()),
        // Some issuers write the member without content.
        Some(Value::Array(texts)) if texts.is_empty() => Ok(Vec::new()),
        Some(chain) => Ok(x5c::read(chain)?),
    }
}
