//! From the service's claims and the policy's to the claims of a token.

mod preview_2018;
mod sorted;

use std::borrow::Cow;

use avouch_claims::{Attester, ClaimValue, SeenBy, ServiceClaim};
use avouch_policy::token::{Contribution, contribution, is_reserved, is_service_space};
use avouch_policy::{Claim, Properties, TypeName};
use avouch_wire::json::{CanonicalJson, Integer};
use serde_json::Value;
pub use sorted::TokenClaims;

use crate::appraisal::{Finding, Permitted};
use crate::{Nonce, PolicyInForce, Root, TokenForm};

/// What a policy issued.
pub(crate) struct Issued {
    pub(crate) claims: Vec<Claim>,
    pub(crate) properties: Properties,
}

/// What a token is made of, besides the service's claims and what its issuer adds.
pub(crate) struct TokenParts<'a> {
    pub(crate) issued: &'a Issued,
    pub(crate) policy: &'a PolicyInForce,
    pub(crate) nonce: Option<&'a Nonce>,
    pub(crate) roots: &'a [Root],
    pub(crate) attesters: &'a [Attester],
}

impl TokenParts<'_> {
    fn permitted(&self, claims: TokenClaims, integer_nonce: Option<Integer>) -> Permitted {
        let properties = &self.issued.properties;
        Permitted {
            claims,
            integer_nonce,
            validity_minutes: properties.report_validity_in_minutes(),
            omits_x5c: properties.omit_x5c(),
            attesters: self.attesters.to_vec(),
            policy_hash: self.policy.hash().to_owned(),
        }
    }

    /// The labels of roots that are not the vendors' own: the text of one, a list of several.
    pub(crate) fn foreign_roots(&self) -> Option<Value> {
        let foreign = self.roots.iter().filter(|root| !root.is_built_in);
        let mut labels: Vec<Value> = foreign.map(|root| root.label.as_str().into()).collect();
        labels.dedup();
        match labels.len() {
            0 => None,
            1 => labels.pop(),
            _ => Some(Value::Array(labels)),
        }
    }
}

/// The claim that marks a token whose evidence rests on a root that is not the vendor's own.
const FOREIGN_ROOT: &str = "avouch-trust-root";

/// Composes the claims of a token in this form; says what of the policy's was dropped.
pub(crate) fn compose(
    form: TokenForm,
    service: Vec<ServiceClaim>,
    parts: &TokenParts<'_>,
) -> (Permitted, Vec<Finding>) {
    match form {
        TokenForm::Current => {
            let (claims, dropped) = current(service, parts);
            let integer_nonce = parts.nonce.and_then(Nonce::as_integer).cloned();
            (parts.permitted(claims, integer_nonce), dropped)
        }
        // The older form has no nonce.
        TokenForm::Preview2018 => {
            let (claims, dropped) = preview_2018::compose(&service, parts);
            (parts.permitted(claims.into(), None), dropped)
        }
    }
}

/// At most so many claims stand beside the service's and the policy's: room, no limit.
const CLAIMS_ADDED_MAX: usize = 5;

/// Composes the claims: the service's own win over the policy's, which stand at the top level and,
/// if there are any, in `x-ms-policy` too.
///
/// # Source
/// `docs/maa/token.md#form`, `docs/policy.md#the-token`.
fn current(service: Vec<ServiceClaim>, parts: &TokenParts<'_>) -> (TokenClaims, Vec<Finding>) {
    let mut issued = contribution(&parts.issued.claims);
    let room = [issued.len(), service.len(), CLAIMS_ADDED_MAX].iter().sum();
    let mut claims = Vec::with_capacity(room);
    let carried = service.into_iter().filter(|claim| claim.seen_by != SeenBy::Policy);
    claims.extend(carried.map(|claim| (Cow::Borrowed(claim.name), claim.value)));
    let own = TokenClaims::new(claims);
    let dropped = drop_what_only_the_service_may_say(&mut issued, |name| own.get(name).is_some());

    let issued: Vec<(&str, ClaimValue)> =
        issued.iter().map(|(name, value)| (name, ClaimValue::of_json(value))).collect();
    let members = issued.iter().map(|(name, value)| (*name, value));
    let x_ms_policy = CanonicalJson::object(members, ClaimValue::write);
    let is_some_issued = !issued.is_empty();
    let mut more = Vec::with_capacity(room);
    more.extend(issued.into_iter().map(|(name, value)| (Cow::Owned(name.to_owned()), value)));
    // What the service adds comes last, and counts.
    let mut add = |name: &'static str, value: ClaimValue| more.push((Cow::Borrowed(name), value));
    add("x-ms-policy-hash", parts.policy.hash().into());
    if let Some(signer) = parts.policy.signer() {
        add("x-ms-policy-signer", ClaimValue::of_json(signer.clone()));
    }
    if let Some(nonce) = parts.nonce.and_then(Nonce::to_json) {
        add("nonce", ClaimValue::of_json(nonce));
    }
    if let Some(roots) = parts.foreign_roots() {
        add(FOREIGN_ROOT, ClaimValue::of_json(roots));
    }
    if is_some_issued {
        add("x-ms-policy", x_ms_policy.into());
    }
    (own.with(more), dropped)
}

/// Takes away claims that are reserved, that the service makes itself (`is_emitted`), or that stand in the
/// service's own name spaces, where nothing but the policy hash would tell them from verified
/// facts. Says which.
fn drop_what_only_the_service_may_say(
    issued: &mut Contribution,
    is_emitted: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let refused = |name: &str| {
        name == FOREIGN_ROOT || is_emitted(name) || is_reserved(name) || is_service_space(name)
    };
    let finding = |(name, _)| Finding {
        name: "reserved-claim-dropped",
        message: format!("the policy issued {name:?}, which only the service may; it was dropped"),
    };
    issued.drop_if(refused).into_iter().map(finding).collect()
}

/// The claim as a policy reads it.
pub(crate) fn policy_claim(claim: &ServiceClaim) -> Claim {
    let incoming = Claim::service(TypeName::fixed(claim.name), policy_value(&claim.value));
    if claim.is_read_only { incoming.read_only() } else { incoming }
}

/// The value as a policy reads it: JSON as a string that holds its text.
fn policy_value(value: &ClaimValue) -> avouch_policy::Value {
    match value {
        ClaimValue::String(text) => text.as_str().into(),
        ClaimValue::Integer(integer) => (*integer).into(),
        ClaimValue::Boolean(boolean) => (*boolean).into(),
        ClaimValue::Json(json) => json.to_shared().into(),
    }
}
