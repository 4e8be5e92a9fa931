//! The seed of a credential: encrypted to an RSA key, or agreed with an elliptic one.

use avouch_pki::KeyKind;
use avouch_wire::Cursor;
use aws_lc_rs::agreement::{
    self, Algorithm, ECDH_P256, ECDH_P384, ECDH_P521, PrivateKey, UnparsedPublicKey,
};
use aws_lc_rs::rsa::{
    OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
    OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};

use super::{CredentialError, EndorsementKey, Fill, to_sized};
use crate::key_derivation::kdf_e;
use crate::sized::{sized, unsized_whole};
use crate::{Curve, HashAlgorithm};

/// What seeds of credentials are for; RSA-OAEP takes it with its NUL.
const LABEL: &[u8] = b"IDENTITY";
const OAEP_LABEL: &[u8] = b"IDENTITY\0";
/// Draws of a scalar before giving up: all but one in 2^32 succeed at once.
const SCALAR_DRAWS: usize = 8;

/// Tag of an uncompressed point.
const UNCOMPRESSED: u8 = 4;

/// The private part of an endorsement key, as a software TPM has it.
pub enum EkPrivateKey {
    /// PKCS#8 DER of an RSA key.
    Rsa(Vec<u8>),
    /// Scalar of an elliptic key, big-endian, as long as the field.
    Elliptic(Vec<u8>),
}

/// A new seed, and `TPM2B_ENCRYPTED_SECRET` that gives it to the endorsement key.
pub(super) fn share(
    ek: &EndorsementKey,
    fill: Fill<'_>,
) -> Result<(Vec<u8>, Vec<u8>), CredentialError> {
    let Some((curve, algorithm)) = elliptic(ek.key().kind()) else { return encrypt(ek, fill) };
    let (scalar, point) = ephemeral(curve, algorithm, fill)?;
    let seed = agreed(ek, curve, &scalar, ek.key().raw(), [&point, ek.key().raw()])?;
    let (x, y) = coordinates(curve, &point)?;
    let secret = [to_sized(x)?, to_sized(y)?].concat();
    Ok((seed, to_sized(&secret)?))
}

/// The seed that `TPM2B_ENCRYPTED_SECRET` gives to this private key.
pub(super) fn recover(
    ek: &EndorsementKey,
    private: &EkPrivateKey,
    encrypted: &[u8],
) -> Result<Vec<u8>, CredentialError> {
    let secret = unsized_whole("TPM2B_ENCRYPTED_SECRET", encrypted)?;
    match (private, elliptic(ek.key().kind())) {
        (EkPrivateKey::Rsa(pkcs8), None) => decrypt(ek, pkcs8, secret),
        (EkPrivateKey::Elliptic(scalar), Some((curve, algorithm))) => {
            let point = received_point(curve, secret)?;
            let own = PrivateKey::from_private_key(algorithm, scalar)
                .map_err(|_| CredentialError::Provider("not a private key of this curve"))?;
            agreed(ek, curve, &own, &point, [&point, ek.key().raw()])
        }
        _ => Err(CredentialError::Provider("the private key is of another kind")),
    }
}

const fn elliptic(kind: KeyKind) -> Option<(Curve, &'static Algorithm)> {
    match kind {
        KeyKind::P256 => Some((Curve::P256, &ECDH_P256)),
        KeyKind::P384 => Some((Curve::P384, &ECDH_P384)),
        KeyKind::P521 => Some((Curve::P521, &ECDH_P521)),
        KeyKind::Rsa { .. } => None,
    }
}

const fn oaep(hash: HashAlgorithm) -> Option<&'static OaepAlgorithm> {
    match hash {
        HashAlgorithm::Sha256 => Some(&OAEP_SHA256_MGF1SHA256),
        HashAlgorithm::Sha384 => Some(&OAEP_SHA384_MGF1SHA384),
        HashAlgorithm::Sha512 => Some(&OAEP_SHA512_MGF1SHA512),
        _ => None,
    }
}

fn encrypt(ek: &EndorsementKey, fill: Fill<'_>) -> Result<(Vec<u8>, Vec<u8>), CredentialError> {
    let refused = || CredentialError::Provider("the seed cannot be encrypted to this key");
    let mut seed = vec![0; ek.hash().digest_length()];
    random(&mut seed, fill)?;
    let key = PublicEncryptingKey::from_der(ek.key().spki_der()).map_err(|_| refused())?;
    let key = OaepPublicEncryptingKey::new(key).map_err(|_| refused())?;
    let mut out = vec![0; key.ciphertext_size()];
    let encrypted = key
        .encrypt(oaep(ek.hash()).ok_or_else(refused)?, &seed, &mut out, Some(OAEP_LABEL))
        .map_err(|_| refused())?;
    Ok((seed, to_sized(encrypted)?))
}

fn decrypt(ek: &EndorsementKey, pkcs8: &[u8], secret: &[u8]) -> Result<Vec<u8>, CredentialError> {
    let refused = || CredentialError::Provider("the private key cannot be used");
    let key = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| refused())?;
    let key = OaepPrivateDecryptingKey::new(key).map_err(|_| refused())?;
    let mut out = vec![0; key.min_output_size()];
    key.decrypt(oaep(ek.hash()).ok_or_else(refused)?, secret, &mut out, Some(OAEP_LABEL))
        .map(|seed| seed.to_vec())
        .map_err(|_| CredentialError::Integrity)
}

fn random(bytes: &mut [u8], fill: Fill<'_>) -> Result<(), CredentialError> {
    if fill(bytes) { Ok(()) } else { Err(CredentialError::Provider("no randomness")) }
}

/// A key for one credential, with its point.
fn ephemeral(
    curve: Curve,
    algorithm: &'static Algorithm,
    fill: Fill<'_>,
) -> Result<(PrivateKey, Vec<u8>), CredentialError> {
    for _ in 0..SCALAR_DRAWS {
        let mut scalar = vec![0; curve.coordinate_bytes()];
        random(&mut scalar, fill)?;
        // The order of P-521 has 521 bits, and its scalars 528.
        if let (Curve::P521, Some(first)) = (curve, scalar.first_mut()) {
            *first &= 1;
        }
        let Ok(key) = PrivateKey::from_private_key(algorithm, &scalar) else { continue };
        if let Ok(point) = key.compute_public_key() {
            return Ok((key, point.as_ref().to_vec()));
        }
    }
    Err(CredentialError::Provider("no scalar of this curve was drawn"))
}

/// The seed that both sides agree on: `parties` are the ephemeral point and the endorsement key's.
fn agreed(
    ek: &EndorsementKey,
    curve: Curve,
    own: &PrivateKey,
    peer: &[u8],
    [ephemeral, endorsement]: [&[u8]; 2],
) -> Result<Vec<u8>, CredentialError> {
    let (ephemeral, _) = coordinates(curve, ephemeral)?;
    let (endorsement, _) = coordinates(curve, endorsement)?;
    let refused = CredentialError::Provider("the point is not on its curve");
    let peer = UnparsedPublicKey::new(own.algorithm(), peer);
    agreement::agree(own, peer, refused.clone(), |z| {
        let length = ek.hash().digest_length();
        kdf_e(ek.hash(), z, LABEL, [ephemeral, endorsement], length).ok_or(refused)
    })
}

/// The coordinates of an uncompressed point.
fn coordinates(curve: Curve, point: &[u8]) -> Result<(&[u8], &[u8]), CredentialError> {
    point
        .strip_prefix(&[UNCOMPRESSED])
        .and_then(|xy| xy.split_at_checked(curve.coordinate_bytes()))
        .filter(|(x, y)| x.len() == y.len())
        .ok_or(CredentialError::Provider("not a point of this curve"))
}

/// `TPMS_ECC_POINT` as an uncompressed point; leading zeros may be left out.
fn received_point(curve: Curve, secret: &[u8]) -> Result<Vec<u8>, CredentialError> {
    let mut cursor = Cursor::new("TPMS_ECC_POINT", secret);
    let limit = u16::try_from(curve.coordinate_bytes()).unwrap_or(0);
    let (x, y) = (sized(&mut cursor, "x", limit)?, sized(&mut cursor, "y", limit)?);
    cursor.finish()?;
    let mut point = vec![UNCOMPRESSED];
    for coordinate in [x, y] {
        let missing = curve.coordinate_bytes().saturating_sub(coordinate.len());
        point.extend(std::iter::repeat_n(0, missing));
        point.extend(coordinate);
    }
    Ok(point)
}
