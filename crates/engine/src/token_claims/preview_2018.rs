//! Tokens of api-version 2018-09-01-preview: the older names alone.

use avouch_claims::{ClaimValue, SeenBy, ServiceClaim};
use avouch_policy::token::contribution;
use avouch_wire::{base64url, encode_hex};
use serde_json::{Map, Value};

use super::{FOREIGN_ROOT, TokenParts, drop_what_only_the_service_may_say};
use crate::appraisal::Finding;

/// Composes the claims: those that policies of later versions read as `$name` stand in the token
/// without the `$`; the policy hash is hex; the collateral's members begin with `maa-`.
///
/// # Source
/// `docs/maa/token.md#tokens-of-2018-09-01-preview`.
pub(super) fn compose(
    service: &[ServiceClaim],
    parts: &TokenParts<'_>,
) -> (Map<String, Value>, Vec<Finding>) {
    let mut issued = contribution(&parts.issued.claims);
    let dropped = drop_what_only_the_service_may_say(&mut issued, |name| {
        service.iter().any(|claim| claim.name == name && claim.seen_by != SeenBy::Policy)
    });
    let mut claims: Map<String, Value> =
        issued.iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let older = service.iter().filter(|claim| claim.seen_by == SeenBy::Policy);
    for claim in older {
        if let Some(name) = claim.name.strip_prefix('$') {
            claims.insert(name.to_owned(), claim.value.to_json());
        }
    }
    if let Some(held) = find(service, "maa-ehd") {
        claims.insert("maa-ehd".to_owned(), held.to_json());
    }
    let collateral = find(service, "maa-attestationcollateral").map(ClaimValue::to_json);
    if let Some(Value::Object(collateral)) = collateral {
        let collateral = Value::Object(prefixed(collateral));
        claims.insert("maa-attestationcollateral".to_owned(), collateral);
    }
    let hash = base64url::decode(parts.policy.hash()).unwrap_or_default();
    claims.insert("maa-policyHash".to_owned(), Value::String(encode_hex(&hash)));
    if let Some(roots) = parts.foreign_roots() {
        claims.insert(FOREIGN_ROOT.to_owned(), roots);
    }
    (claims, dropped)
}

fn find<'a>(claims: &'a [ServiceClaim], name: &str) -> Option<&'a ClaimValue> {
    claims.iter().find(|claim| claim.name == name).map(|claim| &claim.value)
}

fn prefixed(collateral: Map<String, Value>) -> Map<String, Value> {
    collateral.into_iter().map(|(name, hash)| (format!("maa-{name}"), hash)).collect()
}
