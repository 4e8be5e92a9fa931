//! Public keys as a PKCS#11 token speaks of them.

use avouch_pki::PublicKey;
use avouch_token::KeySpec;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;

use super::TokenKeyError;
use super::sessions::failed;

/// DER of the curves' names: secp256r1 and secp384r1 (SEC 2, appendix A.2).
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: [u8; 7] = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
/// 65537.
const EXPONENT: [u8; 3] = [1, 0, 1];
/// Bytes of the shortest modulus: RSA-2048.
const MODULUS_BYTES_MIN: usize = 256;

/// How a pair of that kind is made.
pub(super) fn kind(spec: KeySpec) -> (Mechanism<'static>, Vec<Attribute>) {
    let rsa = |bits: u32| {
        let exponent = Attribute::PublicExponent(EXPONENT.to_vec());
        let kind = vec![Attribute::ModulusBits(u64::from(bits).into()), exponent];
        (Mechanism::RsaPkcsKeyPairGen, kind)
    };
    let curve = |name: &[u8]| (Mechanism::EccKeyPairGen, vec![Attribute::EcParams(name.to_vec())]);
    match spec {
        KeySpec::Rsa2048 => rsa(2048),
        KeySpec::Rsa3072 => rsa(3072),
        KeySpec::Rsa4096 => rsa(4096),
        KeySpec::P256 => curve(&P256),
        KeySpec::P384 => curve(&P384),
    }
}

/// Reads the public key of a pair of that kind.
pub(super) fn read(
    session: &Session,
    key: ObjectHandle,
    spec: KeySpec,
) -> Result<PublicKey, TokenKeyError> {
    let asked: &[AttributeType] = match spec {
        KeySpec::P256 | KeySpec::P384 => &[AttributeType::EcPoint],
        _ => &[AttributeType::Modulus, AttributeType::PublicExponent],
    };
    let said = session.get_attributes(key, asked).map_err(failed("describing a public key"))?;
    let mut attributes = said.into_iter();
    let read = match (attributes.next(), attributes.next()) {
        (Some(Attribute::EcPoint(point)), None) => of_point(&point, spec),
        (Some(Attribute::Modulus(modulus)), Some(Attribute::PublicExponent(exponent))) => {
            of_numbers(&modulus, &exponent)
        }
        _ => None,
    };
    read.ok_or(TokenKeyError::PublicKey)
}

/// A point on the curve, uncompressed: in a DER octet string, as the standard has it, or without, as some tokens
/// have it.
fn of_point(point: &[u8], spec: KeySpec) -> Option<PublicKey> {
    let bytes = if spec == KeySpec::P256 { 65_u8 } else { 97 };
    let bare =
        point.strip_prefix(&[0x04, bytes][..]).filter(|bare| bare.len() == usize::from(bytes));
    let (tag, xy) = bare.unwrap_or(point).split_first()?;
    if *tag != 4 {
        return None;
    }
    match spec {
        KeySpec::P256 => Some(PublicKey::p256(xy.try_into().ok()?)),
        _ => Some(PublicKey::p384(xy.try_into().ok()?)),
    }
}

fn of_numbers(modulus: &[u8], exponent: &[u8]) -> Option<PublicKey> {
    let trimmed = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        number.get(zeros..).unwrap_or_default().to_vec()
    };
    let modulus = trimmed(modulus);
    if trimmed(exponent) != EXPONENT || modulus.len() < MODULUS_BYTES_MIN {
        return None;
    }
    PublicKey::rsa(&modulus, &EXPONENT).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use avouch_token::{KeySpec, Signer as _, SigningKey};

    use super::{of_numbers, of_point};

    #[test]
    fn a_point_is_read_in_both_forms_and_no_other() {
        for (spec, bytes) in [(KeySpec::P256, 65_u8), (KeySpec::P384, 97)] {
            let key = SigningKey::generate(spec).unwrap();
            let spki = key.public_key().spki_der();
            let bare = &spki[spki.len() - usize::from(bytes)..];
            let wrapped = [&[4, bytes], bare].concat();
            for point in [bare, &wrapped] {
                assert_eq!(of_point(point, spec).as_ref(), Some(key.public_key()));
            }
            let compressed = [&[3], &bare[1..]].concat();
            for point in [&bare[1..], &wrapped[1..wrapped.len() - 1], &compressed, &[]] {
                assert_eq!(of_point(point, spec), None);
            }
            let other = if spec == KeySpec::P256 { KeySpec::P384 } else { KeySpec::P256 };
            assert_eq!(of_point(bare, other), None);
        }
    }

    #[test]
    fn an_rsa_key_is_read_with_its_usual_exponent_alone() {
        let key = SigningKey::generate(KeySpec::Rsa2048).unwrap();
        let (modulus, exponent) = key.public_key().rsa_parts().unwrap();
        assert_eq!(of_numbers(modulus, exponent).as_ref(), Some(key.public_key()));
        let padded = [&[0], modulus].concat();
        assert_eq!(of_numbers(&padded, &[0, 1, 0, 1]).as_ref(), Some(key.public_key()));
        for exponent in [&[3][..], &[], &[1, 0, 0, 1]] {
            assert_eq!(of_numbers(modulus, exponent), None);
        }
        for short in [&[][..], &modulus[1..]] {
            assert_eq!(of_numbers(short, &[1, 0, 1]), None);
        }
    }
}
