//! The key that evidence binds, as a short token confirms it.

use avouch_token::{public_jwk_members, public_key_of_jwk};
use serde_json::{Map, Value, json};

use super::request_key;

/// `cnf` of the short token: that of a report of a TPM or an enclave, if the TPM bound that key; or else the one
/// key for signatures in runtime data. Of several keys none is chosen.
///
/// Only the public values are taken over: a workload that put its private key into runtime data keeps it.
pub(super) fn of(claims: &Map<String, Value>) -> Option<Value> {
    // In the first version of the protocol, anybody on the way could put a key of his own there.
    if request_key::is_report(claims) && !request_key::is_bound(claims) {
        return None;
    }
    let jwk = match claims.get("cnf") {
        Some(cnf) => cnf.get("jwk")?,
        None => runtime_key(claims)?,
    };
    let key = public_key_of_jwk(jwk.as_object()?).ok()?;
    let members = public_jwk_members(&key).into_iter();
    let members: Map<String, Value> =
        members.map(|(name, value)| (name.to_owned(), value.into())).collect();
    Some(json!({ "jwk": members }))
}

fn runtime_key(claims: &Map<String, Value>) -> Option<&Value> {
    let keys = claims.get("x-ms-runtime")?.get("keys")?.as_array()?;
    let mut for_signatures = keys.iter().filter(|key| signs(key));
    let only = for_signatures.next()?;
    for_signatures.next().is_none().then_some(only)
}

/// Whether a key may sign, by what its JWK says that it is for.
fn signs(jwk: &Value) -> bool {
    let use_ = jwk.get("use");
    let is_used = use_.is_none_or(|use_| use_ == "sig");
    let operations = jwk.get("key_ops").map(|operations| operations.as_array());
    let operates = match operations {
        None => true,
        Some(operations) => operations.is_some_and(|all| {
            all.iter().any(|operation| operation == "sign" || operation == "verify")
        }),
    };
    is_used && operates
}
