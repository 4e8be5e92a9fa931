//! Who signed: a chain of certificates whose first key is proven to have signed the text.

use avouch_pki::{Certificate, KeyKind, PublicKey, SignatureScheme, digest};
use serde_json::Value;

use super::error::PolicyJwsError;
use crate::jws::UntrustedJws;
use crate::x5c::{self, signer_jwk};

/// The signer of a policy JWS: the key of the first certificate made the signature.
///
/// That is all that is proven. Whether the provider trusts this signer is for
/// [`super::authorize_signer`]; the further certificates are as the client sent them.
#[derive(Debug, Clone)]
pub struct VerifiedSigner {
    certificates: Vec<Certificate>,
    signed_hash: [u8; 32],
}

impl VerifiedSigner {
    /// The certificate whose key signed.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificates.first()
    }

    /// The chain as sent, the signer's own certificate first; parsed, not verified.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// SHA-256 of the text that was signed, header and payload: what makes two requests the same.
    /// A signature can be written in several ways, and be made anew by whoever has one on a curve.
    #[must_use]
    pub const fn signed_hash(&self) -> &[u8; 32] {
        &self.signed_hash
    }

    /// The value of `x-ms-policy-signer`: the signer's certificate and those behind it, as far as
    /// each signed the one before. What else was sent is a name that nobody vouched for.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let signed = |pair: &&[Certificate]| match pair {
            [lower, upper] => lower.is_signed_by(upper.public_key()),
            _ => false,
        };
        let linked = self.certificates.windows(2).take_while(signed).count();
        signer_jwk(self.certificates.get(..=linked).unwrap_or_default())
    }

    /// Verifies `jws`, or finds that it is unsigned: `alg` is `none` and the signature part empty.
    ///
    /// The certificate's key decides how to verify; `alg` must be a name that goes with it.
    pub(super) fn verify(jws: &UntrustedJws<'_>) -> Result<Option<Self>, PolicyJwsError> {
        let algorithm = jws.algorithm.clone();
        match (algorithm.as_str(), jws.signature.len()) {
            ("none", 0) => return Ok(None),
            ("none", length) => return Err(PolicyJwsError::SignatureUnderNone { length }),
            (_, 0) => return Err(PolicyJwsError::NoSignature { algorithm }),
            _ => {}
        }
        let certificates = x5c::read(chain(jws)?)?;
        let first = certificates.first().ok_or(PolicyJwsError::NoCertificate)?;
        check_signature(jws, first.public_key())?;
        let signed_hash = *digest::sha256(jws.signing_input.as_bytes()).as_bytes();
        Ok(Some(Self { certificates, signed_hash }))
    }
}

fn chain<'a>(jws: &'a UntrustedJws<'_>) -> Result<&'a Value, PolicyJwsError> {
    let own = jws.header.get("x5c");
    let in_key = jws.header.get("jwk").and_then(|key| key.get("x5c"));
    match (own, in_key) {
        (Some(own), Some(in_key)) if own != in_key => Err(PolicyJwsError::TwoChains),
        (Some(chain), _) | (None, Some(chain)) => Ok(chain),
        (None, None) => Err(PolicyJwsError::NoCertificate),
    }
}

/// Whether any signature of this key is taken at all.
pub(super) fn check_key(key: &PublicKey) -> Result<(), PolicyJwsError> {
    match key.kind() {
        KeyKind::Rsa { modulus_bits: found @ ..2048 } => Err(PolicyJwsError::ShortKey { found }),
        _ => Ok(()),
    }
}

fn check_signature(jws: &UntrustedJws<'_>, key: &PublicKey) -> Result<(), PolicyJwsError> {
    check_key(key)?;
    let kind = key.kind();
    let schemes = schemes(&jws.algorithm, kind);
    if schemes.is_empty() {
        let algorithm = jws.algorithm.clone();
        return Err(PolicyJwsError::Algorithm { algorithm, key: kind });
    }
    let message = jws.signing_input.as_bytes();
    let holds = schemes.iter().any(|scheme| key.verify(*scheme, message, &jws.signature).is_ok());
    if holds { Ok(()) } else { Err(PolicyJwsError::Signature { key: kind }) }
}

/// How a signature under this name and kind of key may be made.
///
/// `RSA256` and `ECDH256` are the names that the Python SDK writes; it and the C++ SDK make ECDSA
/// signatures in DER, the others `r || s`. Under one key both prove the same.
const fn schemes(algorithm: &str, key: KeyKind) -> &'static [SignatureScheme] {
    use SignatureScheme as S;
    match (algorithm.as_bytes(), key) {
        (b"RS256" | b"RSA256", KeyKind::Rsa { .. }) => &[S::RsaPkcs1Sha256],
        (b"ES256" | b"ECDH256", KeyKind::P256) => &[S::EcdsaP256Sha256Fixed, S::EcdsaP256Sha256],
        (b"ES384", KeyKind::P384) => &[S::EcdsaP384Sha384Fixed, S::EcdsaP384Sha384],
        (b"ECDH256", KeyKind::P384) => &[S::EcdsaP384Sha256],
        (b"ES512", KeyKind::P521) => &[S::EcdsaP521Sha512Fixed, S::EcdsaP521Sha512],
        (b"ECDH256", KeyKind::P521) => &[S::EcdsaP521Sha256],
        _ => &[],
    }
}
