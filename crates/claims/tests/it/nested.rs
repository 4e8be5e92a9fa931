//! The claims of one piece of evidence within another's.

use avouch_claims::SeenBy::{Both, Policy};
use avouch_claims::{ClaimValue, ServiceClaim, common};
use serde_json::json;

#[test]
fn of_nested_claims_a_token_carries_what_it_would_carry_of_them_alone() {
    let inner = common("tdxvm", None, None);
    assert!(inner.iter().any(|claim| claim.seen_by == Policy));
    let nested = ServiceClaim::nested("x-ms-isolation-tee", &inner);
    let object = json!({ "x-ms-attestation-type": "tdxvm", "x-ms-ver": "1.0" });
    assert_eq!(nested.name, "x-ms-isolation-tee");
    assert_eq!(nested.value, ClaimValue::from(object));
    assert_eq!((nested.seen_by, nested.is_read_only), (Both, false));
}

#[test]
fn claims_are_read_only_only_where_it_is_said() {
    for claim in common("sgx", None, None) {
        assert!(!claim.is_read_only, "{}", claim.name);
        let marked = claim.clone().read_only();
        assert!(marked.is_read_only);
        assert_eq!((marked.name, marked.value), (claim.name, claim.value));
    }
}
