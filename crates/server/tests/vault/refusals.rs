//! Keys for nobody else: each refusal tells the owner which check failed, and strangers nothing of it.

use avouch_mint::{Options, mint};
use avouch_token::TokenTimes;
use avouch_wire::EvidenceKind;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::now;
use crate::{Fixture, OFFICER, OWNER, READER, RELEASE, envelope, jwk, options};

const NO_TOKEN: &str = "the attestation token is not accepted";
const NO_POLICY: &str = "the attestation token does not meet the key's release policy";
const NO_KEY: &str = "the key cannot be released";
const NO_WRAPPING: &str = "the attestation token has no key that the answer can be wrapped to";

fn times() -> TokenTimes {
    TokenTimes::attestation(now())
}

#[tokio::test]
async fn another_measurement_gets_nothing_not_even_by_one_bit() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &fixture.conditions()).await;
    let mut measurement: [u8; 48] = fixture.minted.evidence[0x90..0x90 + 48].try_into().unwrap();
    measurement[47] ^= 1;
    let mut other: Options = options();
    other.snp.measurement = Some(measurement);
    let other = mint(EvidenceKind::Snp, &other).unwrap();
    let token = fixture.attest(&other).await;
    let failed = "anyOf[0].allOf[2]: claim \"x-ms-sevsnpvm-launchmeasurement\" is";
    fixture.refused("disk", &token, NO_POLICY, "release-policy-met", failed).await;
    let (status, _) = fixture.release("disk", &json!({ "target": fixture.token().await })).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_guest_that_its_host_may_debug_gets_nothing() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &fixture.conditions()).await;
    let mut claims = crate::part(&fixture.token().await, 1);
    claims["x-ms-sevsnpvm-is-debuggable"] = true.into();
    let failed = "claim \"x-ms-sevsnpvm-is-debuggable\" is true, expected equals \"false\"";
    let token = fixture.signed(&claims, times());
    fixture.refused("disk", &token, NO_POLICY, "release-policy-met", failed).await;
}

#[tokio::test]
async fn an_expired_and_a_not_yet_valid_token_are_refused() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &fixture.conditions()).await;
    let claims = crate::part(&fixture.token().await, 1);
    for (seconds, check) in [(-9 * 3600, "token-expiry"), (3600, "token-not-before")] {
        let at = now().saturating_add_seconds(seconds);
        let token = fixture.signed(&claims, TokenTimes::attestation(at));
        fixture.refused("disk", &token, NO_TOKEN, check, "").await;
    }
}

#[tokio::test]
async fn a_token_of_a_draft_policy_is_refused() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &fixture.conditions()).await;
    let mut request: Value = serde_json::from_str(&fixture.minted.request).unwrap();
    request["draftPolicyForAttestation"] = json!("version=1.0; authorizationrules{=> permit();};");
    let path = "/attest/SevSnpVm?api-version=2022-08-01";
    let (status, answer) = fixture.service.post(path, request.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let token = answer["token"].as_str().unwrap();
    assert_eq!(crate::part(token, 0)["alg"], "none");
    fixture.refused("disk", token, NO_TOKEN, "token-algorithm", "").await;
}

#[tokio::test]
async fn a_dotted_claim_does_not_shadow_the_one_within_an_object() {
    let fixture = Fixture::new().await;
    let claim = "x-ms-isolation-tee.x-ms-compliance-status";
    fixture.create("disk", &json!([{"claim": claim, "equals": "azure-compliant-cvm"}])).await;
    let keys = json!({"keys": [crate::workload_jwk()]});
    let claims = json!({claim: "azure-compliant-cvm", "x-ms-runtime": keys});
    let token = fixture.signed(&claims, times());
    fixture.refused("disk", &token, NO_POLICY, "release-policy-met", "is missing").await;
    let claims = json!({
        "x-ms-isolation-tee": {"x-ms-compliance-status": "azure-compliant-cvm"},
        "x-ms-runtime": keys,
    });
    let target = fixture.signed(&claims, times());
    let (status, _) = fixture.release("disk", &json!({ "target": target })).await;
    assert_eq!(status, StatusCode::OK);
}

/// The attestation key of a TPM opens nothing, and its endorsement key nothing but credentials: whatever
/// they say of themselves, neither wraps.
#[tokio::test]
async fn attestation_and_endorsement_keys_of_a_tpm_get_nothing() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &json!([{"claim": "a", "equals": "b"}])).await;
    for (kid, is_released) in [("HCLAkPub", false), ("HCLEkPub", false), ("HCLTransferKey", true)] {
        let key = jwk(&crate::WORKLOAD, &json!({"kid": kid, "key_ops": ["encrypt"]}));
        // One behind it that could wrap does not help.
        let runtime = json!({"keys": [key, crate::workload_jwk()]});
        let token = fixture.signed(&json!({"a": "b", "x-ms-runtime": runtime}), times());
        if is_released {
            let (status, answer) = fixture.release("disk", &json!({ "target": token })).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
        } else {
            fixture.refused("disk", &token, NO_WRAPPING, "wrapping-key-reserved", kid).await;
        }
    }
}

#[tokio::test]
async fn keys_that_cannot_wrap_get_nothing() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &json!([{"claim": "a", "equals": "b"}])).await;
    let key = |members: Value| jwk(&crate::WORKLOAD, &members);
    for (runtime, check) in [
        (json!({"keys": [key(json!({"kid": "k", "key_ops": ["sign"]}))]}), "wrapping-key"),
        (json!({"keys": []}), "wrapping-key"),
        (Value::Null, "wrapping-key"),
        (
            json!({"keys": [{"kty": "EC", "crv": "P-256", "use": "enc", "x": "AA", "y": "AA"}]}),
            "wrapping-key-unusable",
        ),
        (
            json!({"keys": [{"kty": "RSA", "use": "enc", "e": "AQAB", "n": "_".repeat(171)}]}),
            "wrapping-key-unusable",
        ),
    ] {
        let token = fixture.signed(&json!({"a": "b", "x-ms-runtime": runtime}), times());
        fixture.refused("disk", &token, NO_WRAPPING, check, "").await;
    }
}

/// The workload's own key stands in `x-ms-runtime`, bound by the evidence. One that somebody else puts
/// beside genuine evidence comes into no token; and one that stands elsewhere in a token wraps nothing, of
/// which the owner is told and strangers are not.
#[tokio::test]
async fn a_key_that_the_evidence_does_not_bind_gets_nothing() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &json!([{"claim": "a", "equals": "b"}])).await;
    let other = avouch_token::SigningKey::generate(avouch_token::KeySpec::Rsa2048).unwrap();
    let unbound = json!({"keys": [jwk(&other, &json!({"kid": "k", "key_ops": ["encrypt"]}))]});

    let path = "/attest/SevSnpVm?api-version=2022-08-01";
    let mut request: Value = serde_json::from_str(&fixture.minted.request).unwrap();
    request["runtimeData"]["data"] = avouch_wire::base64url::encode(unbound.to_string()).into();
    let (status, answer) = fixture.service.post(path, request.to_string()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    let said = answer["error"]["message"].as_str().unwrap();
    assert!(said.starts_with("runtime-data: "), "{said}");

    // Where the software of the machine, its starter, a policy and a client put keys.
    for claims in [
        json!({"x-ms-isolation-tee": {"x-ms-runtime": unbound}}),
        json!({"x-ms-inittime": unbound}),
        json!({"x-ms-policy": {"x-ms-runtime": unbound}}),
        json!({"x-ms-runtime.keys": unbound["keys"], "keys": unbound["keys"]}),
        json!({"x-ms-runtime": {"client-payload": unbound}}),
    ] {
        let mut claims = claims;
        claims["a"] = "b".into();
        let token = fixture.signed(&claims, times());
        let said = "token has no array x-ms-runtime.keys";
        fixture.refused("disk", &token, NO_WRAPPING, "wrapping-key", said).await;
    }
    let token = fixture.signed(&json!({"a": "b", "x-ms-runtime": unbound}), times());
    let (status, answer) = fixture.release("disk", &json!({ "target": token })).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

impl Fixture {
    async fn set(&self, attributes: Value) {
        self.done(Method::PATCH, "/keys/disk/", &json!({ "attributes": attributes })).await;
    }
}

#[tokio::test]
async fn a_key_that_is_disabled_stays() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &fixture.conditions()).await;
    let token = fixture.token().await;
    fixture.set(json!({"enabled": false})).await;
    fixture.refused("disk", &token, NO_KEY, "key-enabled", "disabled").await;
    fixture.set(json!({"enabled": true})).await;
    let (status, answer) = fixture.release("disk", &json!({ "target": token })).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

#[tokio::test]
async fn a_key_stays_outside_of_its_window() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &fixture.conditions()).await;
    let token = fixture.token().await;
    let seconds = now().seconds();
    for (attributes, said) in [
        (json!({"nbf": seconds + 3600}), "not to be used before"),
        (json!({"nbf": 0, "exp": seconds - 1}), "expired"),
    ] {
        fixture.set(attributes).await;
        fixture.refused("disk", &token, NO_KEY, "key-window", said).await;
    }
    for attributes in [json!({"exp": seconds + 3600}), json!({"exp": null, "nbf": null})] {
        fixture.set(attributes).await;
        let (status, answer) = fixture.release("disk", &json!({ "target": token })).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }
}

#[tokio::test]
async fn a_key_that_is_not_exportable_or_has_no_policy_stays() {
    let fixture = Fixture::new().await;
    let token = fixture.token().await;
    let policy = fixture.policy(&fixture.conditions());
    for (name, body, check) in [
        ("kept", json!({"kty": "oct", "release_policy": policy}), "key-exportable"),
        ("open", json!({"kty": "oct", "attributes": {"exportable": true}}), "key-release-policy"),
    ] {
        fixture.done(Method::POST, &format!("/keys/{name}/create"), &body).await;
        fixture.refused(name, &token, NO_KEY, check, "").await;
    }
}

/// Who has no good token learns of no key in what state it is.
#[tokio::test]
async fn the_token_is_judged_before_the_key() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &fixture.conditions()).await;
    fixture.set(json!({"enabled": false})).await;
    fixture.done(Method::POST, "/keys/open/create", &json!({"kty": "oct"})).await;
    let claims = crate::part(&fixture.token().await, 1);
    let old = TokenTimes::attestation(now().saturating_add_seconds(-9 * 3600));
    for name in ["disk", "open"] {
        let token = fixture.signed(&claims, old);
        fixture.refused(name, &token, NO_TOKEN, "token-expiry", "").await;
        fixture.refused(name, "no-token-at-all", NO_TOKEN, "token-form", "").await;
    }
}

#[tokio::test]
async fn a_claim_that_is_missing_and_a_group_within_a_group_decide() {
    let fixture = Fixture::new().await;
    let nested = json!([{"anyOf": [
        {"claim": "a", "equals": "x"},
        {"allOf": [{"claim": "b", "equals": "false"}, {"claim": "c", "equals": "0"}]},
    ]}]);
    fixture.create("disk", &nested).await;
    let keys = json!({"keys": [crate::workload_jwk()]});
    for (claims, is_released) in [
        (json!({"a": "x"}), true),
        (json!({"b": false, "c": 0}), true),
        (json!({"b": "false", "c": "0"}), true),
        (json!({"b": false}), false),
        (json!({"c": 0}), false),
        (json!({"b": true, "c": 0}), false),
        (json!({}), false),
    ] {
        let mut claims = claims;
        claims["x-ms-runtime"] = keys.clone();
        let target = fixture.signed(&claims, times());
        let (status, answer) = fixture.release("disk", &json!({ "target": target })).await;
        let expected = if is_released { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(status, expected, "{claims}: {answer}");
    }
}

/// Whoever may read keys is told which role is missing, strangers that they may not; log and audit trail
/// have it of all.
#[tokio::test]
async fn who_has_another_role_gets_nothing_whatever_the_token() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &fixture.conditions()).await;
    let body = json!({ "target": fixture.token().await });
    let needed =
        "The caller does not have the role KeyVaultCryptoServiceReleaseUser at this vault.";
    let stranger = "The caller may not do this at this vault.";
    for (who, told) in [(OFFICER, needed), (READER, needed), (OWNER, stranger)] {
        let before = fixture.trail().await.len();
        let path = "/keys/disk//release";
        let (status, answer) = fixture.call(who, Method::POST, path, &body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{who}");
        assert_eq!(answer["error"]["innererror"]["code"], "ForbiddenByRbac");
        assert_eq!(answer["error"]["message"], told, "{who}");
        let trail = fixture.trail().await;
        let [entry] = &trail[before..] else { panic!("{trail:?}") };
        assert_eq!(entry.action, "vault-key-release");
        assert_eq!(entry.details["check"], "vault-role");
        assert_eq!(entry.details["why"], needed, "{who}");
    }
    // And who may have keys released may do nothing else with them.
    for (method, path) in [
        (Method::GET, "/keys"),
        (Method::GET, "/keys/disk"),
        (Method::POST, "/keys/other/create"),
        (Method::DELETE, "/keys/disk"),
        (Method::POST, "/rng"),
    ] {
        let (status, answer) =
            fixture.call(RELEASE, method, path, &json!({"kty": "oct", "count": 1})).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(answer["error"]["message"], stranger, "{path}");
    }
}

/// Evidence under a root that the service's operator added is accepted, marked, and good for a key only if
/// the policy speaks of that root.
#[tokio::test]
async fn evidence_under_a_root_that_is_not_the_vendors_gets_nothing_unless_the_policy_names_it() {
    let fixture = Fixture::new().await;
    let token = fixture.token().await;
    assert_eq!(crate::part(&token, 1)["avouch-trust-root"], fixture.root());
    let mut conditions = fixture.conditions();
    let named = conditions.as_array_mut().unwrap().pop().unwrap();
    fixture.create("vendor", &conditions).await;
    let said = "the evidence rests on a root that is not the vendor's";
    fixture.refused("vendor", &token, NO_POLICY, "release-policy-met", said).await;
    // A condition that names another root, or stands beside those that are met, does not help.
    let other = json!({"claim": "avouch-trust-root", "equals": "CN=ARK-Milan, O=Other"});
    let either = json!([{"anyOf": [{"allOf": conditions}, other]}]);
    fixture.create("either", &either).await;
    fixture.refused("either", &token, NO_POLICY, "release-policy-met", said).await;
    conditions.as_array_mut().unwrap().push(named);
    fixture.create("named", &conditions).await;
    let (status, answer) = fixture.release("named", &json!({ "target": token })).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
}

#[tokio::test]
async fn policies_that_mean_two_things_or_nothing_are_refused_at_import() {
    let fixture = Fixture::new().await;
    let authority = &fixture.service.url;
    let condition = json!({"claim": "a", "equals": "b"});
    for (policy, said) in [
        (json!({"anyOf": []}), "anyOf"),
        (json!({"anyOf": [{"authority": authority, "allOf": []}]}), "allOf"),
        (
            json!({"anyOf": [{"authority": authority, "allOf": [condition], "anyOf": [condition]}]}),
            "anyOf[0]",
        ),
        (
            json!({"anyOf": [{"authority": authority, "allOf": [{"claim": "a", "notEquals": "b"}]}]}),
            "notEquals is not enabled",
        ),
    ] {
        let body = json!({"kty": "oct", "release_policy": envelope(&policy)});
        let path = "/keys/disk/create";
        let (status, answer) = fixture.call(OFFICER, Method::POST, path, &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert_eq!(answer["error"]["code"], "BadParameter");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
    }
}

/// The same verdict in another form, under the same key.
#[tokio::test]
async fn an_attestation_result_opens_no_key() {
    let fixture = Fixture::new().await;
    fixture.create("disk", &fixture.conditions()).await;
    let request = fixture.minted.request.clone();
    let (status, answer) = fixture.service.post("/avouch/ear/SevSnpVm", request).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let result = answer["token"].as_str().unwrap();
    assert_eq!(crate::part(result, 0)["typ"], "eat+jwt");
    fixture.refused("disk", result, NO_TOKEN, "token-type", "(EAR)").await;
}
