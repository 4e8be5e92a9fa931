//! Policy and certificate routes: both trust models, and what Microsoft's service answered.

use avouch_server::Config;
use avouch_token::policy_jws::{
    JwsContent, NO_POLICY_JWS, SignedForm, UnsignedForm, create_unsigned, policy_hash,
    policy_token_hash,
};
use avouch_wire::EvidenceKind;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::support::policy::{MINIMAL, PolicyKey, provider, unsigned};
use crate::support::{Running, Setup};

const VERSION: &str = "api-version=2022-08-01";

struct Fixture {
    service: Running,
    signer: PolicyKey,
    stranger: PolicyKey,
}

impl Fixture {
    /// Providers `aad` and `isolated`, the latter with one signer.
    async fn new() -> Self {
        Self::with_config("").await
    }

    async fn with_config(text: &str) -> Self {
        let (signer, stranger) = (PolicyKey::new("signer"), PolicyKey::new("stranger"));
        let mut setup = Setup::new().await;
        setup.config = Config::parse(text, "test", []).unwrap();
        provider(&setup.store, "aad", Vec::new()).await;
        provider(&setup.store, "isolated", vec![signer.certificate.der().to_vec()]).await;
        Self { service: setup.serve().await, signer, stranger }
    }

    async fn call(&self, method: Method, provider: &str, route: &str, body: &str) -> Answer {
        let path = format!("/providers/{provider}/{route}?{VERSION}");
        let (status, body) = self.service.send(method, &path, "t", body.to_owned()).await;
        match body["token"].as_str() {
            Some(token) => {
                assert_eq!(status, StatusCode::OK);
                Ok(self.service.claims_of(provider, token).await)
            }
            None => Err((
                status.as_u16(),
                body["error"]["code"].as_str().unwrap().to_owned(),
                body["error"]["message"].as_str().unwrap().to_owned(),
            )),
        }
    }

    async fn set(&self, provider: &str, body: &str) -> Answer {
        self.call(Method::PUT, provider, "policies/SgxEnclave", body).await
    }

    async fn policy(&self, provider: &str) -> Value {
        let claims = self.call(Method::GET, provider, "policies/SgxEnclave", "").await.unwrap();
        claims["x-ms-policy"].clone()
    }

    async fn certificates(&self, provider: &str) -> Vec<Value> {
        let claims = self.call(Method::GET, provider, "certificates", "").await.unwrap();
        claims["x-ms-policy-certificates"]["keys"].as_array().unwrap().clone()
    }
}

/// Claims, or status, code and message.
type Answer = Result<Map<String, Value>, (u16, String, String)>;

/// The claims without those that every token has.
fn own(mut claims: Map<String, Value>) -> Value {
    for name in ["iss", "iat", "nbf", "exp"] {
        assert!(claims.remove(name).is_some(), "{name}");
    }
    Value::Object(claims)
}

fn refused(answer: Answer, status: u16, code: &str, words: &str) {
    let (found, found_code, message) = answer.unwrap_err();
    assert_eq!((found, found_code.as_str()), (status, code), "{message}");
    assert!(message.contains(words), "{message}");
}

#[tokio::test]
async fn an_unsigned_policy_is_stored_byte_for_byte_in_every_form_that_clients_send() {
    let fixture = Fixture::new().await;
    for form in [UnsignedForm::Compact, UnsignedForm::Python, UnsignedForm::AzureCli] {
        let jws = create_unsigned(JwsContent::Policy(MINIMAL), form);
        for body in [jws.clone(), format!("\"{jws}\""), format!(" {jws}\r\n")] {
            let claims = fixture.set("aad", &body).await.unwrap();
            let wanted = json!({
                "x-ms-policy-result": "Updated",
                "x-ms-policy-token-hash": policy_token_hash(&jws),
            });
            assert_eq!(own(claims), wanted);
            assert_eq!(fixture.policy("aad").await, jws.as_str());
        }
    }
}

#[tokio::test]
async fn each_served_type_has_a_policy_of_its_own() {
    let fixture = Fixture::new().await;
    let types = EvidenceKind::all().map(EvidenceKind::policy_name).collect::<Vec<_>>();
    for (index, name) in types.iter().enumerate() {
        let text = format!("version=1.0; authorizationrules{{=> permit();}}; // {index}");
        let route = format!("policies/{name}");
        fixture.call(Method::PUT, "aad", &route, &unsigned(&text)).await.unwrap();
    }
    for (index, name) in types.iter().enumerate() {
        let text = format!("version=1.0; authorizationrules{{=> permit();}}; // {index}");
        let route = format!("policies/{}", name.to_uppercase());
        let claims = fixture.call(Method::GET, "aad", &route, "").await.unwrap();
        assert_eq!(claims["x-ms-policy"], unsigned(&text).as_str());
        let route = format!("policies/{name}:reset");
        let claims = fixture.call(Method::POST, "aad", &route, NO_POLICY_JWS).await.unwrap();
        assert_eq!(own(claims), json!({"x-ms-policy-result": "Removed"}));
    }
    for name in ["Nothing", "Tpm2", "Vbs", "sgx"] {
        for (method, route) in [
            (Method::GET, format!("policies/{name}")),
            (Method::PUT, format!("policies/{name}")),
            (Method::POST, format!("policies/{name}:reset")),
        ] {
            let answer = fixture.call(method, "aad", &route, &unsigned(MINIMAL)).await;
            refused(answer, 400, "Bad request", "is not supported");
        }
    }
}

#[tokio::test]
async fn types_that_are_not_appraised_have_no_default_policy_and_the_same_rules() {
    let fixture = Fixture::new().await;
    for name in ["Tpm", "Pluton", "KeyGuard", "MdepTz", "AiHsm"] {
        let route = format!("policies/{name}");
        let get = async |provider| {
            let claims = fixture.call(Method::GET, provider, &route, "").await.unwrap();
            claims["x-ms-policy"].clone()
        };
        assert_eq!(get("aad").await, NO_POLICY_JWS, "{name}");
        let nonsense = unsigned("version=1.0; nonsense");
        let set = fixture.call(Method::PUT, "aad", &route, &nonsense).await;
        refused(set, 400, "PolicyParsingError", "Line");
        let set = fixture.call(Method::PUT, "isolated", &route, &unsigned(MINIMAL)).await;
        refused(set, 400, "InvalidOperation", "Unsigned JWS");
        let signed = fixture.signer.sign(JwsContent::Policy(MINIMAL), SignedForm::Compact);
        fixture.call(Method::PUT, "isolated", &route, &signed).await.unwrap();
        assert_eq!(get("isolated").await, signed.as_str());
        assert_eq!(get("aad").await, NO_POLICY_JWS, "{name}");
        let reset = fixture.signer.sign(JwsContent::Reset, SignedForm::Compact);
        let route = format!("policies/{name}:reset");
        fixture.call(Method::POST, "isolated", &route, &reset).await.unwrap();
        assert_eq!(get("isolated").await, NO_POLICY_JWS, "{name}");
    }
}

#[tokio::test]
async fn a_reset_brings_the_default_back_and_may_be_repeated() {
    let fixture = Fixture::new().await;
    let default = fixture.policy("aad").await;
    fixture.set("aad", &unsigned(MINIMAL)).await.unwrap();
    for _ in 0..2 {
        let reset = fixture.call(Method::POST, "aad", "policies/sgxenclave:RESET", NO_POLICY_JWS);
        assert_eq!(own(reset.await.unwrap()), json!({"x-ms-policy-result": "Removed"}));
        assert_eq!(fixture.policy("aad").await, default);
    }
    // A policy is no consent to remove one.
    let body = unsigned(MINIMAL);
    let reset = fixture.call(Method::POST, "aad", "policies/SgxEnclave:reset", &body).await;
    refused(reset, 400, "InvalidOperation", "policy-jws-payload");
}

#[tokio::test]
async fn any_key_may_sign_for_an_aad_provider_and_is_reported() {
    let fixture = Fixture::new().await;
    for form in [SignedForm::Compact, SignedForm::Python] {
        let jws = fixture.stranger.sign(JwsContent::Policy(MINIMAL), form);
        let claims = own(fixture.set("aad", &jws).await.unwrap());
        assert_eq!(claims["x-ms-policy-token-hash"], policy_token_hash(&jws));
        let certificate =
            avouch_wire::base64url::encode_standard(fixture.stranger.certificate.der());
        let signer = json!({"alg": "ES256", "kty": "EC", "use": "sig", "x5c": [certificate]});
        assert_eq!(claims["x-ms-policy-signer"], signer);
        assert_eq!(fixture.policy("aad").await, jws.as_str());
    }
}

#[tokio::test]
async fn an_isolated_provider_takes_only_what_its_signers_sign() {
    let fixture = Fixture::new().await;
    let default = fixture.policy("isolated").await;
    let sign = |key: &PolicyKey, content| key.sign(content, SignedForm::Compact);
    let unsigned_words =
        "Unsigned JWS specified but enclave is configured with signing certificates.";
    refused(
        fixture.set("isolated", &unsigned(MINIMAL)).await,
        400,
        "InvalidOperation",
        unsigned_words,
    );
    let foreign = sign(&fixture.stranger, JwsContent::Policy(MINIMAL));
    refused(
        fixture.set("isolated", &foreign).await,
        400,
        "InvalidParameter",
        "policy-signer-issuer",
    );
    let reset = "policies/SgxEnclave:reset";
    refused(
        fixture.call(Method::POST, "isolated", reset, NO_POLICY_JWS).await,
        400,
        "InvalidOperation",
        unsigned_words,
    );
    assert_eq!(fixture.policy("isolated").await, default);

    let good = sign(&fixture.signer, JwsContent::Policy(MINIMAL));
    fixture.set("isolated", &good).await.unwrap();
    assert_eq!(fixture.policy("isolated").await, good.as_str());
    let foreign = sign(&fixture.stranger, JwsContent::Reset);
    refused(
        fixture.call(Method::POST, "isolated", reset, &foreign).await,
        400,
        "InvalidParameter",
        "policy-signer-issuer",
    );
    let own_reset = sign(&fixture.signer, JwsContent::Reset);
    let claims = fixture.call(Method::POST, "isolated", reset, &own_reset).await.unwrap();
    assert_eq!(own(claims), json!({"x-ms-policy-result": "Removed"}));
    assert_eq!(fixture.policy("isolated").await, default);
}

#[tokio::test]
async fn a_policy_that_does_not_hold_is_refused_and_changes_nothing() {
    let fixture = Fixture::new().await;
    let before = fixture.policy("aad").await;
    let signed = fixture.signer.sign(JwsContent::Policy(MINIMAL), SignedForm::Compact);
    let parts: Vec<&str> = signed.split('.').collect();
    let other = unsigned("version=1.0; authorizationrules{=> deny();};");
    let payload = other.split('.').nth(1).unwrap();
    let cases = [
        (String::new(), "InvalidOperation", "empty"),
        ("x".to_owned(), "InvalidOperation", "policy-jws-form"),
        ("{}".to_owned(), "InvalidOperation", "policy-jws-"),
        (format!("{}.{}.", parts[0], parts[1]), "InvalidOperation", "policy-jws-signed"),
        (
            format!("{}.{payload}.{}", parts[0], parts[2]),
            "InvalidOperation",
            "policy-jws-signature",
        ),
        (format!("{other}{}", parts[2]), "InvalidOperation", "policy-jws-signed"),
        (NO_POLICY_JWS.to_owned(), "InvalidOperation", "policy-jws-payload"),
        (unsigned("version=1.0; nonsense"), "PolicyParsingError", "Line"),
    ];
    for (body, code, words) in cases {
        refused(fixture.set("aad", &body).await, 400, code, words);
        assert_eq!(fixture.policy("aad").await, before);
    }
}

#[tokio::test]
async fn policy_certificates_are_added_and_removed_by_their_holders_only() {
    let fixture = Fixture::new().await;
    let Fixture { signer, stranger, .. } = &fixture;
    let change = JwsContent::Certificate(&stranger.certificate);
    let request = signer.sign(change, SignedForm::Python);
    let add = async |body: String| {
        fixture.call(Method::POST, "isolated", "certificates:add", &body).await
    };
    let remove = async |body: String| {
        fixture.call(Method::POST, "isolated", "certificates:remove", &body).await
    };
    assert_eq!(fixture.certificates("isolated").await.len(), 1);
    assert!(fixture.certificates("aad").await.is_empty());

    refused(
        add(stranger.sign(change, SignedForm::Compact)).await,
        400,
        "InvalidParameter",
        "policy-signer",
    );
    let quoted = format!("\"{request}\"");
    let object = json!({ "policyCertificateToAdd": request }).to_string();
    let first = own(add(quoted).await.unwrap());
    assert_eq!(first["x-ms-policycertificates-result"], "IsPresent");
    let thumbprint = first["x-ms-certificate-thumbprint"].as_str().unwrap();
    assert!(thumbprint.len() == 40 && thumbprint == thumbprint.to_uppercase());
    for body in [object, request.clone()] {
        assert_eq!(own(add(body).await.unwrap()), first);
    }
    assert_eq!(fixture.certificates("isolated").await.len(), 2);

    // The new holder signs policies now, and may remove the first.
    let policy = stranger.sign(JwsContent::Policy(MINIMAL), SignedForm::Compact);
    fixture.set("isolated", &policy).await.unwrap();
    let removal = JwsContent::Certificate(&signer.certificate);
    let request = stranger.sign(removal, SignedForm::Compact);
    for _ in 0..2 {
        let claims = own(remove(format!("\"{request}\"")).await.unwrap());
        assert_eq!(claims["x-ms-policycertificates-result"], "IsAbsent");
    }
    let keys = fixture.certificates("isolated").await;
    assert_eq!(keys.len(), 1);
    // Who was removed has no say any more, and the last one cannot go.
    refused(
        add(signer.sign(removal, SignedForm::Compact)).await,
        400,
        "InvalidParameter",
        "policy-signer",
    );
    let last = stranger.sign(JwsContent::Certificate(&stranger.certificate), SignedForm::Compact);
    refused(remove(last).await, 400, "InvalidOperation", "last policy certificate");
    assert_eq!(fixture.certificates("isolated").await, keys);
    let aad = fixture.call(Method::POST, "aad", "certificates:add", &request).await;
    refused(aad, 400, "InvalidOperation", "The operation is disallowed");
}

#[tokio::test]
async fn history_names_who_set_what_and_the_hash_is_the_one_that_tokens_show() {
    let setup = Setup::new().await;
    provider(&setup.store, "aad", Vec::new()).await;
    let store = setup.store.clone();
    let service = setup.serve().await;
    let path = format!("/providers/aad/policies/SgxEnclave?{VERSION}");
    let (status, _) = service.send(Method::PUT, &path, "t", unsigned(MINIMAL)).await;
    assert_eq!(status, StatusCode::OK);
    let id = store.provider("aad").await.unwrap().unwrap().id;
    let policy = store.policy(id, EvidenceKind::Sgx).await.unwrap().unwrap();
    assert_eq!(avouch_wire::base64url::encode(policy.text_hash), policy_hash(MINIMAL));
    assert_eq!(policy.actor.id(), "developer");
}

#[tokio::test]
async fn an_old_signed_request_sent_once_more_is_taken_back_only_where_each_counts_once() {
    let reset = "policies/SgxEnclave:reset";
    for once in [false, true] {
        let config = format!("[auth]\nsigned_requests_once = {once}\n");
        let fixture = Fixture::with_config(&config).await;
        let sign = |content| fixture.signer.sign(content, SignedForm::Compact);
        let (first, second) = (format!("{MINIMAL} // 1"), format!("{MINIMAL} // 2"));
        let (old, new) = (sign(JwsContent::Policy(&first)), sign(JwsContent::Policy(&second)));
        fixture.set("isolated", &old).await.unwrap();
        fixture.set("isolated", &new).await.unwrap();
        // Whoever may set policies finds the old one in the history.
        let replayed = fixture.set("isolated", &old).await;
        // Padded it has other bytes and the same signature.
        let padded = fixture.set("isolated", &format!("{old}==")).await;
        let removal = sign(JwsContent::Reset);
        fixture.call(Method::POST, "isolated", reset, &removal).await.unwrap();
        let again = fixture.call(Method::POST, "isolated", reset, &removal).await;
        let addition = sign(JwsContent::Certificate(&fixture.stranger.certificate));
        let add = "certificates:add";
        fixture.call(Method::POST, "isolated", add, &addition).await.unwrap();
        let added = fixture.call(Method::POST, "isolated", add, &addition).await;
        for answer in [replayed, padded, again, added] {
            if once {
                refused(answer, 400, "InvalidOperation", "has accepted this signed request before");
            } else {
                answer.unwrap();
            }
        }
        // A name of its own makes of the same thing another request, once.
        let named = fixture.signer.sign_as(JwsContent::Policy(&first), "2026-07-31/1");
        fixture.set("isolated", &named).await.unwrap();
        assert_eq!(fixture.set("isolated", &named).await.is_err(), once);
        // Unsigned ones of another provider are nobody's consent, and may come as often as they do.
        for _ in 0..2 {
            fixture.set("aad", &unsigned(MINIMAL)).await.unwrap();
            fixture.set("aad", &old).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_certificate_that_could_never_vouch_for_a_policy_is_not_added() {
    let fixture = Fixture::new().await;
    let useless = PolicyKey::useless("plain");
    let change = JwsContent::Certificate(&useless.certificate);
    let request = fixture.signer.sign(change, SignedForm::Compact);
    let answer = fixture.call(Method::POST, "isolated", "certificates:add", &request).await;
    refused(answer, 400, "InvalidParameter", "is not flagged CA");
    assert_eq!(fixture.certificates("isolated").await.len(), 1);
}
