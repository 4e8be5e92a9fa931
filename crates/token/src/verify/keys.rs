//! Which key a token means, and whether that key made its signature.

use super::error::VerifyError;
use crate::jws::UntrustedJws;
use crate::{Algorithm, Jwk, Jwks, TokenKind};

/// The algorithm of a signed token, if it is on the list.
pub(super) fn accepted_algorithm(
    jws: &UntrustedJws<'_>,
    accepted: &[Algorithm],
) -> Result<Algorithm, VerifyError> {
    if jws.algorithm == "none" {
        return Err(match jws.signature.len() {
            0 => VerifyError::Unsecured,
            length => VerifyError::SignatureUnderNone { length },
        });
    }
    Algorithm::from_name(&jws.algorithm).filter(|found| accepted.contains(found)).ok_or_else(|| {
        let names: Vec<&str> = accepted.iter().map(|algorithm| algorithm.name()).collect();
        VerifyError::Algorithm { found: jws.algorithm.clone(), accepted: names.join(", ") }
    })
}

/// `kid` of the header.
pub(super) fn key_id<'a>(jws: &'a UntrustedJws<'_>) -> Result<Option<&'a str>, VerifyError> {
    jws.header
        .get("kid")
        .map(|kid| kid.as_str().ok_or(VerifyError::MalformedHeader { name: "kid" }))
        .transpose()
}

/// The keys of the set that the token can mean: those of its `kid`, or all if it has none; and of
/// them those that serve its algorithm.
pub(super) fn candidates<'k>(
    jws: &UntrustedJws<'_>,
    algorithm: Algorithm,
    keys: &'k Jwks,
) -> Result<Vec<&'k Jwk>, VerifyError> {
    let kid = key_id(jws)?;
    let meant: Vec<&Jwk> =
        keys.keys().iter().filter(|key| kid.is_none() || key.kid() == kid).collect();
    if let (true, Some(kid)) = (meant.is_empty(), kid) {
        let unusable = keys.unusable().iter().find(|key| key.kid.as_deref() == Some(kid));
        let kid = kid.to_owned();
        return Err(match unusable {
            Some(key) => VerifyError::UnusableKey { kid, reason: Box::new(key.reason.clone()) },
            None => VerifyError::UnknownKey { kid, known: keys.keys().len() },
        });
    }
    let serving: Vec<&Jwk> = meant.into_iter().filter(|key| key.serves(algorithm)).collect();
    if serving.is_empty() {
        let kid = kid.map(str::to_owned);
        return Err(VerifyError::KeyForOtherAlgorithm { kid, algorithm });
    }
    Ok(serving)
}

/// Those of the keys that sign tokens of this kind.
pub(super) fn of_kind<'k>(
    jws: &UntrustedJws<'_>,
    expected: TokenKind,
    mut keys: Vec<&'k Jwk>,
) -> Result<Vec<&'k Jwk>, VerifyError> {
    let other = keys.iter().map(|key| key.signs()).find(|signs| *signs != expected);
    keys.retain(|key| key.signs() == expected);
    match (keys.is_empty(), other) {
        (true, Some(signs)) => {
            let kid = key_id(jws)?.map(str::to_owned);
            Err(VerifyError::KeyForOtherKind { kid, signs, expected })
        }
        _ => Ok(keys),
    }
}

/// The key that made the signature.
pub(super) fn check_signature<'k>(
    jws: &UntrustedJws<'_>,
    algorithm: Algorithm,
    candidates: &[&'k Jwk],
) -> Result<&'k Jwk, VerifyError> {
    let message = jws.signing_input.as_bytes();
    candidates
        .iter()
        .find(|jwk| jwk.key().verify(algorithm.scheme(), message, &jws.signature).is_ok())
        .copied()
        .ok_or(VerifyError::Signature { algorithm, tried: candidates.len() })
}
