//! Inclusion proofs of ledgers over CCF.

use avouch_cose::coset::cbor::value::Value;
use avouch_cose::words::numbered;
use avouch_pki::digest;
use avouch_wire::Hex;

use super::ReceiptError;
use super::receipt::{hash, proof_error};

/// Labels of a proof.
const LEAF: i64 = 1;
const PATH: i64 = 2;
/// Longest path: a tree with more leaves than 64 bits count there is none.
const PATH_MAX: usize = 64;
/// Longest evidence of a transaction, in bytes.
const EVIDENCE_BYTES_MAX: usize = 1024;

/// The root that a proof leads to, from a leaf for `data`.
///
/// # Errors
/// [`ReceiptError`] if the proof is of another form, or its leaf for other data.
///
/// # Source
/// IETF, draft-ietf-scitt-receipts-ccf-profile, sections 3 and 4.
pub(super) fn root(proof: &Value, data: &Hex<32>) -> Result<Hex<32>, ReceiptError> {
    let map = proof.as_map().ok_or_else(|| proof_error("expected a map"))?;
    if map.len() != 2 {
        return Err(proof_error("expected two members, leaf (1) and path (2)"));
    }
    let member = |label| {
        let found = numbered(map, label).map_err(|_| proof_error("a member appears twice"))?;
        let items = found.and_then(Value::as_array).map(Vec::as_slice);
        items.ok_or_else(|| proof_error("expected leaf (1) and path (2), both lists"))
    };
    let mut root = leaf(member(LEAF)?, data)?;
    let path = member(PATH)?;
    if path.len() > PATH_MAX {
        return Err(proof_error(format!("path has {} steps, over {PATH_MAX}", path.len())));
    }
    for step in path {
        let Some([Value::Bool(is_left), other]) = step.as_array().map(Vec::as_slice) else {
            return Err(proof_error("path: expected [left, hash]"));
        };
        let other = hash(other)?;
        let pair = if *is_left { [other, root] } else { [root, other] };
        root = digest::sha256_of_parts(&pair.each_ref().map(|part| part.as_bytes().as_slice()));
    }
    Ok(root)
}

/// The hash of a leaf: of the transaction's own hash, of its evidence, and of the data.
fn leaf(items: &[Value], data: &Hex<32>) -> Result<Hex<32>, ReceiptError> {
    let [transaction, Value::Text(evidence), found] = items else {
        return Err(proof_error("leaf: expected [hash, text, hash]"));
    };
    if evidence.is_empty() || evidence.len() > EVIDENCE_BYTES_MAX {
        let bytes = evidence.len();
        return Err(proof_error(format!(
            "leaf: evidence of {bytes} bytes, 1 to 1024 are expected"
        )));
    }
    let (transaction, found) = (hash(transaction)?, hash(found)?);
    if found != *data {
        return Err(ReceiptError::OtherStatement { found, expected: *data });
    }
    let evidence = digest::sha256(evidence.as_bytes());
    let parts = [transaction, evidence, found];
    Ok(digest::sha256_of_parts(&parts.each_ref().map(|part| part.as_bytes().as_slice())))
}
