//! Who may do what: OpenID Connect tokens, static tokens, roles, and 401.
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use avouch_server::auth::StaticTokens;
use avouch_server::{Access, Authenticator, Config};
use avouch_wire::{base64url, encode_hex};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::oidc::Issuer;
use crate::support::policy::{MINIMAL, provider, unsigned};
use crate::support::{Running, Setup, now};

const AUDIENCE: &str = "https://attest.example.org";
const POLICY: &str = "policies/SgxEnclave?api-version=2022-08-01";

/// A service with providers `contoso` and `fabrikam` and the `[auth]` of this text.
async fn service(auth: &str) -> Running {
    let mut setup = Setup::new().await;
    provider(&setup.store, "contoso", Vec::new()).await;
    provider(&setup.store, "fabrikam", Vec::new()).await;
    let config = Config::parse(auth, "test", []).unwrap();
    setup.access = Access::Tokens(Authenticator::new(config.auth).unwrap());
    setup.serve().await
}

fn config_for(issuer: &Issuer) -> String {
    format!(
        "[[auth.issuers]]\nissuer = \"{}\"\naudiences = [\"{AUDIENCE}\"]\nalgorithms = [\"ES256\"]\n\
         [[auth.issuers.roles]]\nrole = \"Owner\"\nclaim = \"groups\"\nvalue = \"owners\"\n\
         [[auth.issuers.roles]]\nrole = \"Contributor\"\nclaim = \"scp\"\nvalue = \"policy.write\"\n\
         providers = [\"Contoso\"]\n\
         [[auth.issuers.roles]]\nrole = \"Reader\"\nclaim = \"groups\"\nvalue = \"readers\"\n",
        issuer.url
    )
}

fn claims(issuer: &Issuer) -> Value {
    let at = now().seconds();
    json!({
        "iss": issuer.url, "sub": "alice", "aud": AUDIENCE,
        "iat": at, "nbf": at, "exp": at + 600, "groups": ["others", "owners"],
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

async fn read(service: &Running, provider: &str, token: &str) -> u16 {
    let path = format!("/providers/{provider}/{POLICY}");
    service.send(Method::GET, &path, token, "").await.0.as_u16()
}

async fn write(service: &Running, provider: &str, token: &str) -> u16 {
    let path = format!("/providers/{provider}/{POLICY}");
    service.send(Method::PUT, &path, token, unsigned(MINIMAL)).await.0.as_u16()
}

#[tokio::test]
async fn a_good_token_is_accepted_and_each_broken_one_is_401_for_its_own_reason() {
    let issuer = Issuer::start().await;
    let service = service(&config_for(&issuer)).await;
    let good = claims(&issuer);
    assert_eq!(write(&service, "contoso", &issuer.token(&good)).await, 200);
    let several = with(good.clone(), "aud", json!(["x", AUDIENCE]));
    assert_eq!(write(&service, "contoso", &issuer.token(&several)).await, 200);

    let at = now().seconds();
    let sign = |name: &str, value: Value| issuer.token(&with(good.clone(), name, value));
    let mut without_expiry = good.clone();
    without_expiry.as_object_mut().unwrap().remove("exp");
    let none = format!(
        "{}.{}.",
        base64url::encode(r#"{"alg":"none"}"#),
        base64url::encode(good.to_string())
    );
    let token = issuer.token(&good);
    let (head, signature) = token.rsplit_once('.').unwrap();
    let payload = base64url::encode(with(good.clone(), "sub", json!("mallory")).to_string());
    let swapped = format!("{}.{payload}.{signature}", head.split('.').next().unwrap());
    let cases = [
        ("expired", sign("exp", json!(at - 61)), "token-expiry"),
        ("no expiry", issuer.token(&without_expiry), "token-payload"),
        ("not yet valid", sign("nbf", json!(at + 120)), "token-not-before"),
        ("other audience", sign("aud", json!("https://attest.example.com")), "token-audience"),
        ("audience with slash", sign("aud", json!(format!("{AUDIENCE}/"))), "token-audience"),
        ("other issuer", sign("iss", json!("https://login.example.com")), "token-issuer"),
        ("issuer with slash", sign("iss", json!(format!("{}/", issuer.url))), "token-issuer"),
        ("no subject", sign("sub", json!("")), "token-payload"),
        ("bound to a key", sign("cnf", json!({"jkt": "x"})), "token-key-bound"),
        ("algorithm none", none, "token-algorithm"),
        ("unknown key", issuer.forged(false, &good), "token-key"),
        ("key of the same name", issuer.forged(true, &good), "token-signature"),
        ("payload swapped", swapped, "token-signature"),
        ("a static token that nobody has", "hello".to_owned(), "token-unknown"),
        ("no JWS", "a.b.c".to_owned(), "token-form"),
    ];
    for (name, token, check) in cases {
        let path = format!("/providers/contoso/{POLICY}");
        let request = service.request(Method::PUT, &path).bearer_auth(token);
        let answer = request.body(unsigned(MINIMAL)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{name}");
        assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{name}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "Unauthorized", "{name}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(check), "{name}: {message}");
    }
}

#[tokio::test]
async fn each_of_several_issuers_vouches_for_its_own_tokens() {
    let (first, second) = (Issuer::start().await, Issuer::start().await);
    let service = service(&(config_for(&first) + &config_for(&second))).await;
    for (issuer, other) in [(&second, &first), (&first, &second)] {
        assert_eq!(read(&service, "contoso", &issuer.token(&claims(issuer))).await, 200);
        let in_other_name = issuer.token(&claims(other));
        assert_eq!(read(&service, "contoso", &in_other_name).await, 401);
    }
}

#[tokio::test]
async fn a_rotated_key_is_found_and_the_old_one_forgotten_without_a_restart() {
    let issuer = Issuer::start().await;
    let service = service(&config_for(&issuer)).await;
    let before = issuer.token(&claims(&issuer));
    assert_eq!(write(&service, "contoso", &before).await, 200);
    assert_eq!(write(&service, "contoso", &before).await, 200);
    assert_eq!(issuer.fetches(), 1);
    issuer.rotate();
    let after = issuer.token(&claims(&issuer));
    assert_eq!(write(&service, "contoso", &after).await, 200);
    assert_eq!(issuer.fetches(), 2);
    assert_eq!(write(&service, "contoso", &before).await, 401);
    assert_eq!(write(&service, "contoso", &after).await, 200);
}

#[tokio::test]
async fn tokens_with_unknown_keys_cannot_make_the_service_ask_the_issuer_all_the_time() {
    let issuer = Issuer::start().await;
    let service = service(&config_for(&issuer)).await;
    for _ in 0..20 {
        let forged = issuer.forged(false, &claims(&issuer));
        assert_eq!(read(&service, "contoso", &forged).await, 401);
    }
    assert!((2..=4).contains(&issuer.fetches()), "{}", issuer.fetches());
    // Those who have a key that is known are served all the while.
    assert_eq!(read(&service, "contoso", &issuer.token(&claims(&issuer))).await, 200);
}

#[tokio::test]
async fn only_a_token_that_newer_keys_could_make_good_causes_a_fetch() {
    let issuer = Issuer::start().await;
    let service = service(&config_for(&issuer)).await;
    let good = claims(&issuer);
    assert_eq!(read(&service, "contoso", &issuer.token(&good)).await, 200);
    assert_eq!(issuer.fetches(), 1);
    let at = now().seconds();
    for (name, value) in [
        ("exp", json!(at - 3600)),
        ("nbf", json!(at + 3600)),
        ("aud", json!("https://attest.example.com")),
        ("sub", json!("")),
        ("cnf", json!({"jkt": "x"})),
    ] {
        let token = issuer.token(&with(good.clone(), name, value));
        assert_eq!(read(&service, "contoso", &token).await, 401, "{name}");
        assert_eq!(issuer.fetches(), 1, "{name}");
    }
    let forged = issuer.forged(false, &good);
    assert_eq!(read(&service, "contoso", &forged).await, 401);
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn history_tells_a_program_from_a_user() {
    let issuer = Issuer::start().await;
    let service = service(&config_for(&issuer)).await;
    let owner = issuer.token(&claims(&issuer));
    for (kind, expected) in [(None, "User"), (Some("app"), "Application"), (Some("user"), "User")] {
        let claims = match kind {
            Some(kind) => with(claims(&issuer), "idtyp", json!(kind)),
            None => claims(&issuer),
        };
        assert_eq!(write(&service, "contoso", &issuer.token(&claims)).await, 200);
        let path = "/providers/contoso/avouch/policies/SgxEnclave/history";
        let (_, history) = service.send(Method::GET, path, &owner, "").await;
        assert_eq!(history["value"][0]["actor_kind"], expected, "{kind:?}");
    }
}

#[tokio::test]
async fn callers_who_go_away_do_not_take_the_fetch_of_keys_with_them() {
    let issuer = Issuer::start().await;
    let service = service(&config_for(&issuer)).await;
    issuer.close_gate().await;
    let path = format!("/providers/contoso/{POLICY}");
    // As many as there are rights to fetch at once, and more.
    for _ in 0..8 {
        let forged = issuer.forged(false, &claims(&issuer));
        let request = service.request(Method::GET, &path).bearer_auth(forged);
        let waiting = tokio::spawn(request.send());
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        waiting.abort();
    }
    issuer.open_gate();
    assert_eq!(read(&service, "contoso", &issuer.token(&claims(&issuer))).await, 200);
}

#[tokio::test]
async fn whose_key_is_known_does_not_wait_for_a_fetch_that_others_caused() {
    let issuer = Issuer::start().await;
    let service = service(&config_for(&issuer)).await;
    let good = issuer.token(&claims(&issuer));
    assert_eq!(read(&service, "contoso", &good).await, 200);
    issuer.close_gate().await;
    let path = format!("/providers/contoso/{POLICY}");
    let forged = issuer.forged(false, &claims(&issuer));
    let waiting = tokio::spawn(service.request(Method::GET, &path).bearer_auth(forged).send());
    for _ in 0..5 {
        assert_eq!(read(&service, "contoso", &good).await, 200);
    }
    assert!(!waiting.is_finished(), "the forged token waits for newer keys");
    issuer.open_gate();
    assert_eq!(waiting.await.unwrap().unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_key_rotated_without_a_new_name_is_found_too() {
    let issuer = Issuer::start().await;
    let service = service(&config_for(&issuer)).await;
    assert_eq!(read(&service, "contoso", &issuer.token(&claims(&issuer))).await, 200);
    issuer.rotate_keeping_name();
    assert_eq!(read(&service, "contoso", &issuer.token(&claims(&issuer))).await, 200);
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_503_at_first_and_unnoticed_once_its_keys_are_known() {
    let issuer = Issuer::start().await;
    let service = service(&config_for(&issuer)).await;
    let token = issuer.token(&claims(&issuer));
    issuer.set_down(true);
    assert_eq!(read(&service, "contoso", &token).await, 503);
    issuer.set_down(false);
    assert_eq!(read(&service, "contoso", &token).await, 200);
    issuer.set_down(true);
    assert_eq!(read(&service, "contoso", &token).await, 200);
}

#[tokio::test]
async fn metadata_that_name_another_issuer_or_no_keys_are_not_believed() {
    for metadata in [
        json!({"issuer": "https://login.example.com", "jwks_uri": "KEYS"}),
        json!({"issuer": "URL/", "jwks_uri": "KEYS"}),
        json!({"jwks_uri": "KEYS"}),
        json!({"issuer": "URL"}),
        json!({"issuer": "URL", "jwks_uri": "URL/nowhere"}),
        json!([]),
    ] {
        let issuer = Issuer::start().await;
        let text = metadata.to_string().replace("KEYS", &format!("{}/keys", issuer.url));
        let text = text.replace("URL", &issuer.url);
        issuer.set_metadata(serde_json::from_str(&text).unwrap());
        let service = service(&config_for(&issuer)).await;
        let token = issuer.token(&claims(&issuer));
        assert_eq!(read(&service, "contoso", &token).await, 503, "{metadata}");
    }
}

#[tokio::test]
async fn roles_hold_where_they_were_given_and_nowhere_else() {
    let issuer = Issuer::start().await;
    let service = service(&config_for(&issuer)).await;
    let base = with(claims(&issuer), "groups", json!([]));
    let owner = issuer.token(&claims(&issuer));
    let reader = issuer.token(&with(base.clone(), "groups", json!(["readers"])));
    let contributor = issuer.token(&with(base.clone(), "scp", json!("openid policy.write")));
    let nobody = issuer.token(&base);
    // Role, then read and write at contoso, at fabrikam.
    for (name, token, contoso, fabrikam) in [
        ("owner", &owner, (200, 200), (200, 200)),
        ("reader", &reader, (200, 401), (200, 401)),
        ("contributor of contoso", &contributor, (200, 200), (401, 401)),
        ("nobody", &nobody, (401, 401), (401, 401)),
    ] {
        for (provider, (can_read, can_write)) in [("contoso", contoso), ("fabrikam", fabrikam)] {
            assert_eq!(read(&service, provider, token).await, can_read, "{name} {provider}");
            assert_eq!(write(&service, provider, token).await, can_write, "{name} {provider}");
        }
        // Anyone with a valid token may read the default provider, as MAA's shared ones.
        let (status, _) = service.send(Method::GET, &format!("/{POLICY}"), token, "").await;
        assert_eq!(status, StatusCode::OK, "{name}");
    }
    let (status, _) =
        service.send(Method::PUT, &format!("/{POLICY}"), &contributor, unsigned(MINIMAL)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

fn token_file(folder: &std::path::Path, token: &str, rest: &str) -> String {
    let hash = encode_hex(
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()).as_ref(),
    );
    let path = folder.join("tokens.toml");
    let text = format!("[[tokens]]\nname = \"operator\"\nsha256 = \"{hash}\"\n{rest}");
    std::fs::write(&path, text).unwrap();
    format!("[auth]\ntoken_file = {:?}\n", path.display().to_string())
}

#[tokio::test]
async fn a_token_of_the_file_has_its_role_and_any_other_is_401() {
    let folder = tempfile::tempdir().unwrap();
    let token = "0123456789abcdef0123456789abcdef";
    let auth =
        token_file(folder.path(), token, "role = \"Contributor\"\nproviders = [\"contoso\"]\n");
    let service = service(&auth).await;
    assert_eq!(write(&service, "contoso", token).await, 200);
    assert_eq!(read(&service, "fabrikam", token).await, 401);
    for other in
        ["0123456789abcdef0123456789abcdeg", "0123456789abcdef0123456789abcdef0", "x", "operator"]
    {
        assert_eq!(read(&service, "contoso", other).await, 401, "{other}");
    }
    let path = format!("/providers/contoso/{POLICY}");
    for value in ["", "Bearer", "Bearer  ", "Basic eDp5", token] {
        let request = service.request(Method::GET, &path).header("authorization", value);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED, "{value:?}");
    }
    let twice = service.request(Method::GET, &path).bearer_auth(token).bearer_auth("x");
    assert_eq!(twice.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(service.request(Method::GET, &path).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn a_short_token_is_refused_even_where_its_hash_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(&token_file(folder.path(), "secret", "role = \"Owner\"\n")).await;
    assert_eq!(read(&service, "contoso", "secret").await, 401);
}

#[test]
fn a_token_file_that_is_not_what_it_must_be_is_refused_by_name() {
    let hash = "00".repeat(32);
    let row = |name: &str, hash: &str, rest: &str| {
        format!("[[tokens]]\nname = \"{name}\"\nsha256 = \"{hash}\"\n{rest}\n")
    };
    let owner = "role = \"Owner\"";
    assert!(StaticTokens::parse(&row("a", &hash, owner)).is_ok());
    for (text, words) in [
        (String::new(), "tokens"),
        (row("a", "00", owner), "1 bytes"),
        (row("a", "zz", owner), "\"a\""),
        (row("", &hash, owner), "actor"),
        (row("a", &hash, "role = \"King\""), "King"),
        (row("a", &hash, ""), "role"),
        (row("a", &hash, &format!("{owner}\ntoken = \"x\"")), "token"),
        (row("a", &hash, &format!("{owner}\nproviders = [\"../x\"]")), "letters"),
        (row("a", &hash, &format!("{owner}\nproviders = []")), "names nobody"),
        (row("a", &hash, owner) + &row("b", &hash, owner), "same hash"),
    ] {
        let error = StaticTokens::parse(&text).unwrap_err();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[tokio::test]
async fn attest_needs_a_token_only_where_the_provider_says_so() {
    let issuer = Issuer::start().await;
    let auth = config_for(&issuer)
        + "[auth.providers.contoso]\nanonymous_attest = false\n\
           [auth.providers.default]\nanonymous_attest = false\n";
    let service = service(&auth).await;
    let attest = "attest/SgxEnclave?api-version=2022-08-01";
    let status = async |provider: &str, token: Option<&str>| {
        let path = format!("/providers/{provider}/{attest}");
        let request = service.request(Method::POST, &path).body("{}");
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.unwrap().status().as_u16()
    };
    // 400 is for the missing evidence: the door was open.
    assert_eq!(status("fabrikam", None).await, 400);
    assert_eq!(status("fabrikam", Some("ignored")).await, 400);
    assert_eq!(status("contoso", None).await, 401);
    assert_eq!(status("contoso", Some("ignored")).await, 401);
    assert_eq!(status("contoso", Some(&issuer.token(&claims(&issuer)))).await, 400);
    let nobody = issuer.token(&with(claims(&issuer), "groups", json!([])));
    assert_eq!(status("contoso", Some(&nobody)).await, 401);
    // That everybody may read the default provider is no right to attest there.
    let at_default = async |token: &str| {
        let request = service.request(Method::POST, &format!("/{attest}")).body("{}");
        request.bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    assert_eq!(at_default(&nobody).await, 401);
    assert_eq!(at_default(&issuer.token(&claims(&issuer))).await, 400);
    for path in ["/providers/contoso/certs", "/certs", "/healthz", "/readyz"] {
        assert_eq!(service.status(path).await, 200, "{path}");
    }
}
