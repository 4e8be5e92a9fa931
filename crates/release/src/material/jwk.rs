//! Private and secret keys as JSON Web Keys, as they are imported.

use avouch_pki::KeyKind;
use avouch_pki::der::{self as read_der, write as der};
use avouch_wire::{Cursor, ParseError, base64url};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{KeyMaterial, KeyMaterialError, of_ec, of_rsa, public_members};

/// Longest number of an RSA key, in bytes: the modulus of RSA-4096.
const NUMBER_BYTES_MAX: usize = 512;

pub(super) fn read(members: &Map<String, Value>) -> Result<KeyMaterial, KeyMaterialError> {
    let key_type = text(members, "kty").ok_or(KeyMaterialError::KeyType)?;
    match key_type.strip_suffix("-HSM").unwrap_or(key_type) {
        "RSA" => rsa_pair(members),
        "EC" => ec_pair(members),
        "oct" => KeyMaterial::from_secret(octets(members, "k")?),
        _ => Err(KeyMaterialError::KeyType),
    }
}

/// The members of a private key in the order of PKCS#1.
const RSA_MEMBERS: [&str; 8] = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];

pub(super) fn write(material: &KeyMaterial) -> Result<Map<String, Value>, KeyMaterialError> {
    let mut members = public_members(material.public_key(), false);
    let bytes = material.secret_bytes();
    let mut put = |name: &str, bytes: &[u8]| {
        members.insert(name.to_owned(), base64url::encode(bytes).into());
    };
    let Some(public) = material.public_key() else {
        put("k", bytes);
        return Ok(members);
    };
    let parts = private_parts(bytes, public.kind()).map_err(|_| KeyMaterialError::Unsupported)?;
    parts.iter().for_each(|(name, number)| put(name, number));
    Ok(members)
}

/// The numbers in a PKCS#8 of the library's own making: RFC 8017, section A.1.2; RFC 5915, section 3.
fn private_parts(pkcs8: &[u8], kind: KeyKind) -> Result<Vec<(&'static str, &[u8])>, ParseError> {
    let mut info = Cursor::new("PrivateKeyInfo", pkcs8);
    let mut body = read_der::open(&mut info, "structure", read_der::SEQUENCE)?;
    read_der::any(&mut body, "version")?;
    read_der::any(&mut body, "algorithm")?;
    let mut wrapped = read_der::any(&mut body, "privateKey")?.content;
    let mut numbers = read_der::open(&mut wrapped, "structure", read_der::SEQUENCE)?;
    read_der::any(&mut numbers, "version")?;
    if !matches!(kind, KeyKind::Rsa { .. }) {
        return Ok(vec![("d", read_der::any(&mut numbers, "privateKey")?.content.rest())]);
    }
    let mut parts = Vec::new();
    for name in RSA_MEMBERS {
        let number = read_der::any(&mut numbers, name)?.content.rest();
        parts.push((name, number.strip_prefix(&[0]).unwrap_or(number)));
    }
    Ok(parts)
}

/// By way of PKCS#1: the library judges there whether the numbers belong together.
fn rsa_pair(members: &Map<String, Value>) -> Result<KeyMaterial, KeyMaterialError> {
    // Room for all: growing would leave copies of the key behind.
    let room = RSA_MEMBERS.len().saturating_mul(NUMBER_BYTES_MAX.saturating_add(8));
    let mut numbers = Zeroizing::new(Vec::with_capacity(room));
    numbers.extend_from_slice(&der::integer_u64(0));
    for name in RSA_MEMBERS {
        let number = octets(members, name)?;
        if number.is_empty() || number.len() > NUMBER_BYTES_MAX {
            return Err(KeyMaterialError::Member(name));
        }
        push_integer(&number, &mut numbers);
    }
    let head = head(read_der::SEQUENCE, numbers.len());
    let mut pkcs1 = Zeroizing::new(Vec::with_capacity(room.saturating_add(8)));
    pkcs1.extend_from_slice(&head);
    pkcs1.extend_from_slice(&numbers);
    let pair = rsa::KeyPair::from_der(&pkcs1).map_err(|_| KeyMaterialError::Inconsistent)?;
    of_rsa(&pair)
}

/// INTEGER from an unsigned big-endian number, where nothing of it is left in between.
fn push_integer(number: &[u8], out: &mut Vec<u8>) {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let number = number.get(zeros..).unwrap_or_default();
    let is_padded = number.first().is_none_or(|first| *first >= 0x80);
    let length = number.len().saturating_add(usize::from(is_padded));
    out.extend_from_slice(&head(read_der::INTEGER, length));
    if is_padded {
        out.push(0);
    }
    out.extend_from_slice(number);
}

/// What stands before a content of so many bytes: tag and length.
fn head(tag: u8, content_bytes: usize) -> Vec<u8> {
    let mut head = der::element(tag, &vec![0; content_bytes]);
    head.truncate(head.len().saturating_sub(content_bytes));
    head
}

fn ec_pair(members: &Map<String, Value>) -> Result<KeyMaterial, KeyMaterialError> {
    let (curve, bytes) = match text(members, "crv") {
        Some("P-256") => (&ECDSA_P256_SHA256_FIXED_SIGNING, 32),
        Some("P-384") => (&ECDSA_P384_SHA384_FIXED_SIGNING, 48),
        Some("P-521") => (&ECDSA_P521_SHA512_FIXED_SIGNING, 66),
        _ => return Err(KeyMaterialError::Curve),
    };
    let [d, x, y] = ["d", "x", "y"].map(|name| {
        let number = octets(members, name)?;
        if number.len() == bytes { Ok(number) } else { Err(KeyMaterialError::Member(name)) }
    });
    let point = [&[4], x?.as_slice(), y?.as_slice()].concat();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(curve, &d?, &point)
        .map_err(|_| KeyMaterialError::Inconsistent)?;
    of_ec(&pair)
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

fn octets(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<Zeroizing<Vec<u8>>, KeyMaterialError> {
    text(members, name)
        .and_then(|text| base64url::decode(text).ok())
        .map(Zeroizing::new)
        .ok_or(KeyMaterialError::Member(name))
}

#[cfg(test)]
mod tests;
