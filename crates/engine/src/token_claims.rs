//! From the service's claims and the policy's to the claims of a token.

use avouch_claims::{ClaimValue, SeenBy, ServiceClaim};
use avouch_policy::Claim;
use avouch_policy::token::{Contribution, contribution, is_reserved, is_service_space};
use avouch_wire::Hex;
use serde_json::{Map, Value};

use crate::appraisal::Finding;
use crate::{Nonce, PolicyInForce};

/// Everything that a token is made of, besides what its issuer adds.
pub(crate) struct TokenParts<'a> {
    pub(crate) service: &'a [ServiceClaim],
    pub(crate) outgoing: &'a [Claim],
    pub(crate) policy: &'a PolicyInForce,
    pub(crate) nonce: Option<&'a Nonce>,
    pub(crate) foreign_root: Option<&'a str>,
    pub(crate) bare_quote_hash: Option<&'a Hex<32>>,
}

/// The claim that marks a token whose evidence rests on a root that is not the vendor's own.
pub(crate) const FOREIGN_ROOT: &str = "avouch-trust-root";

/// Composes the claims: the service's own win over the policy's, which stand at the top level and,
/// if there are any, in `x-ms-policy` too.
///
/// # Source
/// `docs/maa/token.md#form`, `docs/policy.md#the-token`.
pub(crate) fn compose(parts: &TokenParts<'_>) -> (Map<String, Value>, Vec<Finding>) {
    let mut issued = contribution(parts.outgoing);
    let dropped = drop_what_only_the_service_may_say(&mut issued, parts.service);
    let issued: Map<String, Value> =
        issued.iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut claims = issued.clone();
    for claim in parts.service.iter().filter(|claim| claim.seen_by != SeenBy::Policy) {
        claims.insert(claim.name.to_owned(), claim.value.clone().into_json());
    }
    let mut add = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    add("x-ms-policy-hash", Value::String(parts.policy.hash().to_owned()));
    if let Some(signer) = parts.policy.signer() {
        add("x-ms-policy-signer", signer.clone());
    }
    if let Some(nonce) = parts.nonce.and_then(Nonce::to_json) {
        add("nonce", nonce);
    }
    if let Some(root) = parts.foreign_root {
        add(FOREIGN_ROOT, Value::String(root.to_owned()));
    }
    if !issued.is_empty() {
        add("x-ms-policy", Value::Object(issued));
    }
    (claims, dropped)
}

/// Takes away claims that are reserved, that the service makes itself, or that stand in the
/// service's own name spaces, where nothing but the policy hash would tell them from verified
/// facts. Says which.
pub(crate) fn drop_what_only_the_service_may_say(
    issued: &mut Contribution,
    service: &[ServiceClaim],
) -> Vec<Finding> {
    let emitted = |name: &str| {
        service.iter().any(|claim| claim.name == name && claim.seen_by != SeenBy::Policy)
    };
    let refused = |name: &str| {
        name == FOREIGN_ROOT || emitted(name) || is_reserved(name) || is_service_space(name)
    };
    let finding = |(name, _)| Finding {
        name: "reserved-claim-dropped",
        message: format!("the policy issued {name:?}, which only the service may; it was dropped"),
    };
    issued.drop_if(refused).into_iter().map(finding).collect()
}

/// The value as a policy reads it: JSON as a string that holds its text.
pub(crate) fn policy_value(value: &ClaimValue) -> avouch_policy::Value {
    match value {
        ClaimValue::String(text) => text.as_str().into(),
        ClaimValue::Integer(integer) => (*integer).into(),
        ClaimValue::Boolean(boolean) => (*boolean).into(),
        ClaimValue::Json(json) => avouch_token::json::to_canonical(json).as_str().into(),
    }
}
