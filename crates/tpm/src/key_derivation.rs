//! `KDFa` and `KDFe` (TCG, TPM Library, Part 1, sections 11.4.10.2 and 11.4.10.3).

use aws_lc_rs::hmac;

use crate::HashAlgorithm;

/// `KDFa`: as many bits as `bytes` has, from `key`, for `label` (without its NUL) and two contexts.
/// `None` for hashes without HMAC here.
pub(crate) fn kdf_a(
    hash: HashAlgorithm,
    key: &[u8],
    label: &[u8],
    contexts: [&[u8]; 2],
    bytes: usize,
) -> Option<Vec<u8>> {
    let key = hmac::Key::new(hmac_algorithm(hash)?, key);
    let bits = u32::try_from(bytes.checked_mul(8)?).ok()?.to_be_bytes();
    let [context_u, context_v] = contexts;
    blocks(bytes, |counter| {
        let mut context = hmac::Context::with_key(&key);
        for part in [&counter, label, &[0], context_u, context_v, &bits] {
            context.update(part);
        }
        Some(context.sign().as_ref().to_vec())
    })
}

/// `KDFe`: as many bits as `bytes` has, from the shared secret `z`, for `label` (without its NUL) and
/// the x coordinates of both parties. `None` for hashes that are not computed here.
pub(crate) fn kdf_e(
    hash: HashAlgorithm,
    z: &[u8],
    label: &[u8],
    parties: [&[u8]; 2],
    bytes: usize,
) -> Option<Vec<u8>> {
    let [party_u, party_v] = parties;
    blocks(bytes, |counter| {
        let digest = hash.hash(&[&counter, z, label, &[0], party_u, party_v])?;
        Some(digest.as_bytes().to_vec())
    })
}

/// HMAC of the parts one after the other.
pub(crate) fn hmac(hash: HashAlgorithm, key: &[u8], parts: [&[u8]; 2]) -> Option<Vec<u8>> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac_algorithm(hash)?, key));
    parts.iter().for_each(|part| context.update(part));
    Some(context.sign().as_ref().to_vec())
}

/// Blocks with a counter from 1, cut to length.
fn blocks(bytes: usize, block: impl Fn([u8; 4]) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes);
    let mut counter = 0_u32;
    while out.len() < bytes {
        counter = counter.checked_add(1)?;
        out.extend(block(counter.to_be_bytes())?);
    }
    out.truncate(bytes);
    Some(out)
}

fn hmac_algorithm(hash: HashAlgorithm) -> Option<hmac::Algorithm> {
    match hash {
        HashAlgorithm::Sha256 => Some(hmac::HMAC_SHA256),
        HashAlgorithm::Sha384 => Some(hmac::HMAC_SHA384),
        HashAlgorithm::Sha512 => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}
