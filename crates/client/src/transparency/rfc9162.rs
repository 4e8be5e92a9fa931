//! Inclusion proofs of Merkle trees as Certificate Transparency has them.

use avouch_cose::coset::cbor::value::Value;
use avouch_cose::words::integer;
use avouch_pki::digest;
use avouch_wire::Hex;

use super::ReceiptError;
use super::receipt::{hash, proof_error};

/// What stands before the parts of a leaf and of a node when they are hashed.
const LEAF: &[u8] = &[0];
const NODE: &[u8] = &[1];
/// Longest path: 63 bits count the leaves.
const PATH_MAX: usize = 64;

/// The root that a proof `[size, index, path]` leads to, from the leaf that has `entry` in it. Size and index only say how
/// the path turns: neither is signed.
///
/// # Errors
/// [`ReceiptError`] if the proof is of another form or does not fit its size and index.
///
/// # Source
/// RFC 9942, section 5.2; RFC 9162, sections 2.1.1 and 2.1.3.2.
pub(super) fn root(proof: &Value, entry: &[u8]) -> Result<Hex<32>, ReceiptError> {
    let Some([size, index, Value::Array(path)]) = proof.as_array().map(Vec::as_slice) else {
        return Err(proof_error("expected [size, index, path]"));
    };
    let number = |value: &Value| integer(value).and_then(|number| u64::try_from(number).ok());
    let (Some(size), Some(mut index)) = (number(size), number(index)) else {
        return Err(proof_error("size and index are no numbers of 63 bits"));
    };
    if index >= size {
        return Err(proof_error(format!("index {index} is beyond a tree of {size} leaves")));
    }
    if path.len() > PATH_MAX {
        return Err(proof_error(format!("path has {} steps, over {PATH_MAX}", path.len())));
    }
    // The index of the last leaf, beside that of the entry.
    let mut last = size.saturating_sub(1);
    let mut root = digest::sha256_of_parts(&[LEAF, entry]);
    for step in path {
        if last == 0 {
            return Err(proof_error("path is longer than the tree is high"));
        }
        let other = hash(step)?;
        if index % 2 == 1 || index == last {
            root = node(&other, &root);
            while index.is_multiple_of(2) && index != 0 {
                (index, last) = (index >> 1, last >> 1);
            }
        } else {
            root = node(&root, &other);
        }
        (index, last) = (index >> 1, last >> 1);
    }
    if last != 0 {
        return Err(proof_error("path is shorter than the tree is high"));
    }
    Ok(root)
}

fn node(left: &Hex<32>, right: &Hex<32>) -> Hex<32> {
    digest::sha256_of_parts(&[NODE, left.as_bytes(), right.as_bytes()])
}
