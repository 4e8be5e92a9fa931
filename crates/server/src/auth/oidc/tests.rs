//! The rate bound, and how long keys serve, with made-up time; and how claims give roles.

use std::sync::Arc;
use std::time::{Duration, Instant};

use avouch_store::ActorKind;
use avouch_token::{Jwks, KeySpec, PublishedKey, Signer as _, SigningKey, jwks_document};
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use super::fetch::{BODY_BYTES_MAX, Fetcher, Spelling};
use super::keys::{Budget, FETCH_PAUSE, FETCHES_AT_ONCE, IssuerKeys, Known};
use super::{OidcError, OidcIssuer, has_value};
use crate::auth::{NamedRole, Role};
use crate::config::{IssuerConfig, RoleRule};

fn budget(now: Instant) -> Budget {
    Budget { fetches_left: FETCHES_AT_ONCE, growing_since: now }
}

#[test]
fn a_burst_of_fetches_ends_and_one_more_comes_with_each_pause() {
    let start = Instant::now();
    let mut budget = budget(start);
    let burst = (0..100).filter(|_| budget.take(start)).count();
    assert_eq!((burst, FETCH_PAUSE), (4, Duration::from_secs(30)));
    assert!(!budget.take(start + FETCH_PAUSE - Duration::from_millis(1)));
    assert!(budget.take(start + FETCH_PAUSE));
    assert!(!budget.take(start + FETCH_PAUSE));
    assert!(budget.take(start + 2 * FETCH_PAUSE));
}

#[test]
fn rights_to_fetch_do_not_grow_beyond_a_burst() {
    let start = Instant::now();
    let mut budget = budget(start);
    assert!(budget.take(start));
    let later = start + 1000 * FETCH_PAUSE;
    let burst = (0..100).filter(|_| budget.take(later)).count();
    assert_eq!(burst, FETCHES_AT_ONCE as usize);
    assert!(!budget.take(later + FETCH_PAUSE / 2));
}

#[test]
fn a_claim_has_a_value_as_text_among_elements_or_among_the_words_of_a_scope() {
    for (name, claim) in [
        ("groups", json!("admins")),
        ("groups", json!(["a", "admins"])),
        ("scp", json!("read admins")),
        ("scope", json!("admins")),
    ] {
        assert!(has_value(name, &claim, "admins"), "{name} {claim}");
    }
    let others = [
        json!("administrators"),
        json!("Admins"),
        json!("Bob admins"),
        json!(["administrators"]),
        json!(["Bob admins"]),
        json!([["admins"]]),
        json!({"admins": true}),
        json!(null),
        json!(true),
    ];
    for claim in others {
        assert!(!has_value("name", &claim, "admins"), "{claim}");
    }
    assert!(!has_value("scp", &json!("administrators"), "admins"));
}

/// Keys that were fetched at a moment, of an issuer that takes connections and never answers.
fn keys_of_a_hanging_issuer(fetched_at: Instant) -> (IssuerKeys, std::net::TcpListener) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = IssuerConfig {
        issuer: format!("http://{}", listener.local_addr().unwrap()),
        audiences: vec!["a".to_owned()],
        algorithms: Vec::new(),
        ca_file: None,
        roles: Vec::new(),
    };
    let keys = IssuerKeys::new(fetcher_of(&config).unwrap(), fetched_at);
    let key = SigningKey::generate(KeySpec::P256).unwrap();
    let document = jwks_document([&PublishedKey::new(&key, &[] as &[&[u8]])]);
    let keys_known = Arc::new(Jwks::parse(document.as_bytes()).unwrap());
    let known = Known { keys: keys_known, fetched_at, is_disowned: false };
    keys.known.store(Some(Arc::new(known)));
    (keys, listener)
}

#[tokio::test]
async fn known_keys_serve_at_once_for_a_day_while_the_issuer_hangs() {
    let start = Instant::now();
    let (keys, _issuer) = keys_of_a_hanging_issuer(start);
    let hour = Duration::from_secs(3600);
    for age in [hour / 2, hour + hour / 2, 23 * hour, 24 * hour - Duration::from_secs(1)] {
        let found = keys.get(None, start + age).now_or_never();
        assert!(found.is_some_and(|found| found.is_ok()), "waits at an age of {age:?}");
    }
    // Older ones are believed no longer, and who needs others than these waits.
    assert!(keys.get(None, start + 24 * hour).now_or_never().is_none());
    let known = keys.get(None, start).await.unwrap();
    assert!(keys.get(Some(&known), start).now_or_never().is_none());
}

#[tokio::test]
async fn keys_of_an_hour_are_fetched_again_and_younger_ones_not() {
    let start = Instant::now();
    let hour = Duration::from_secs(3600);
    let (keys, _issuer) = keys_of_a_hanging_issuer(start);
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    for (age, fetches) in [
        (Duration::ZERO, 0),
        (hour - Duration::from_secs(1), 0),
        (hour, 1),
        // One at a time.
        (hour * 2, 1),
    ] {
        keys.get(None, start + age).await.unwrap();
        assert_eq!(tasks(), fetches, "{age:?}");
    }
}

#[tokio::test]
async fn keys_newer_than_the_outdated_ones_serve_at_once() {
    let start = Instant::now();
    let (keys, _issuer) = keys_of_a_hanging_issuer(start);
    let outdated = Arc::new(Jwks::parse(key_set().as_bytes()).unwrap());
    let found = keys.get(Some(&outdated), start).now_or_never().unwrap().unwrap();
    assert!(Arc::ptr_eq(&found, &keys.get(None, start).await.unwrap()));
}

#[tokio::test]
async fn keys_of_a_day_are_not_believed_where_their_issuer_refuses() {
    let start = Instant::now();
    let (keys, listener) = keys_of_a_hanging_issuer(start);
    drop(listener);
    let day = Duration::from_secs(24 * 3600);
    assert!(keys.get(None, start + day).await.is_err());
    assert!(keys.get(None, start).await.is_ok());
}

#[tokio::test]
async fn keys_of_an_hour_are_not_believed_once_their_issuer_answers_with_something_else() {
    let hour = Duration::from_secs(3600);
    let (ok, gone, down) = ("200 OK", "404 Not Found", "503 Service Unavailable");
    let good = |url: &str| json!({"issuer": url, "jwks_uri": format!("{url}/keys")}).to_string();
    let other = |_: &str| json!({"issuer": "https://other.example"}).to_string();
    type Made = fn(&str) -> String;
    let rubbish: Made = |_| "<html>".to_owned();
    let long: Made = |_| " ".repeat(BODY_BYTES_MAX + 1);
    let none: Made = |_| String::new();
    for (metadata, keys, serves) in [
        ((ok, other as Made), (ok, none), false),
        ((ok, rubbish), (ok, none), false),
        ((gone, none), (ok, none), false),
        ((ok, good as Made), (gone, none), false),
        ((ok, good), (ok, rubbish), false),
        ((ok, good), (ok, long), false),
        ((ok, good), ("429 Too Many Requests", none), true),
        ((ok, good), (down, none), true),
        ((down, none), (ok, none), true),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers =
            vec![(METADATA, metadata.0, metadata.1(&url)), ("/keys", keys.0, keys.1(&url))];
        let said = format!("{answers:.200?}");
        let serving = tokio::spawn(serve(listener, None, answers));
        let start = Instant::now();
        let (known, _) = keys_of_a_hanging_issuer(start);
        let config = IssuerConfig { issuer: url, ..plain_config() };
        let keys = IssuerKeys::new(fetcher_of(&config).unwrap(), start);
        keys.known.store(known.known.load_full());
        let before = keys.get(None, start).await.unwrap();
        // Whoever wants others waits for what the issuer says.
        keys.get(Some(&before), start + hour / 2).await.unwrap();
        assert!(keys.get(None, start + hour - Duration::from_secs(1)).await.is_ok(), "{said}");
        assert_eq!(keys.get(None, start + hour).await.is_ok(), serves, "{said}");
        // Nor where it then does not answer at all.
        serving.abort();
        let _ = serving.await;
        assert_eq!(keys.get(None, start + hour * 23).await.is_ok(), serves, "{said}");
    }
}

const AUDIENCE: &str = "https://attest.example.org";
const AT: i64 = 1_800_000_000;

/// An issuer whose keys are known, so that nothing is fetched, and the key that it signs with.
fn issuer_with(algorithms: &[&str]) -> (OidcIssuer, SigningKey) {
    let config = IssuerConfig {
        issuer: "https://login.example.org".to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        algorithms: algorithms.iter().map(|name| (*name).to_owned()).collect(),
        ca_file: None,
        roles: [
            ("groups", NamedRole::Provider(Role::Owner), None),
            ("roles", NamedRole::Provider(Role::Reader), Some("contoso")),
        ]
        .map(|(claim, role, provider)| RoleRule {
            role,
            claim: claim.to_owned(),
            value: "operators".to_owned(),
            providers: provider.map(|name: &str| vec![name.to_owned()]),
        })
        .to_vec(),
    };
    let issuer = OidcIssuer::new(config).unwrap();
    let key = SigningKey::generate(KeySpec::P256).unwrap();
    let document = jwks_document([&PublishedKey::new(&key, &[] as &[&[u8]])]);
    let keys = Arc::new(Jwks::parse(document.as_bytes()).unwrap());
    issuer.keys.known.store(Some(Arc::new(Known {
        keys,
        fetched_at: Instant::now(),
        is_disowned: false,
    })));
    (issuer, key)
}

fn signed(key: &SigningKey, claims: &Value) -> String {
    let header = json!({"alg": "ES256", "kid": key.kid()});
    let encode = |value: &Value| avouch_wire::base64url::encode(value.to_string());
    let message = format!("{}.{}", encode(&header), encode(claims));
    let signature = key.sign(message.as_bytes()).unwrap();
    format!("{message}.{}", avouch_wire::base64url::encode(signature))
}

fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = json!({
        "iss": "https://login.example.org", "sub": "alice", "aud": AUDIENCE,
        "exp": AT + 600, "groups": "operators",
    });
    claims[name] = value;
    claims
}

#[tokio::test]
async fn a_token_is_good_for_59_seconds_beyond_its_times() {
    let (issuer, key) = issuer_with(&["ES256"]);
    let at = avouch_wire::UnixTime::from_seconds(AT).unwrap();
    for (name, seconds, is_good) in [
        ("exp", AT - 60, false),
        ("exp", AT - 59, true),
        ("nbf", AT + 60, true),
        ("nbf", AT + 61, false),
        ("iat", AT + 60, true),
        ("iat", AT + 61, false),
    ] {
        let token = signed(&key, &claims_with(name, json!(seconds)));
        assert_eq!(issuer.caller(&token, at).await.is_ok(), is_good, "{name} {seconds}");
    }
}

#[tokio::test]
async fn claims_say_who_calls_and_each_rule_that_holds_gives_its_role() {
    let (issuer, key) = issuer_with(&["RS256", "ES256"]);
    assert_eq!(issuer.name(), "https://login.example.org");
    let at = avouch_wire::UnixTime::from_seconds(AT).unwrap();
    let caller = async |name: &str, value: Value| {
        issuer.caller(&signed(&key, &claims_with(name, value)), at).await.unwrap()
    };
    for (kind, expected) in [
        (json!("app"), ActorKind::Application),
        (json!("App"), ActorKind::User),
        (json!(["app"]), ActorKind::User),
        (json!("user"), ActorKind::User),
        (json!(null), ActorKind::User),
    ] {
        let found = caller("idtyp", kind).await;
        let actor = found.actor().unwrap();
        assert_eq!((actor.kind(), actor.id()), (expected, "https://login.example.org#alice"));
        assert_eq!(found.role_at("contoso"), Some(Role::Owner));
    }
    let both = caller("roles", json!(["operators"])).await;
    assert_eq!(
        (both.role_at("contoso"), both.role_at("x")),
        (Some(Role::Owner), Some(Role::Owner))
    );
    let nobody = caller("groups", json!("readers")).await;
    assert_eq!((nobody.role_at("contoso"), nobody.role_at("default")), (None, Some(Role::Reader)));
    // An algorithm that is not on the list is refused, although the key would do.
    let (other, key) = issuer_with(&["ES384", "RS256"]);
    let token = signed(&key, &claims_with("sub", json!("alice")));
    let refused = other.caller(&token, at).await.unwrap_err();
    assert!(refused.message().starts_with("token-algorithm"), "{}", refused.message());
}

/// What an issuer's web server answers: the status line's end and the body, by path.
type Answers = Vec<(&'static str, &'static str, String)>;

/// A web server on loopback that gives each path's answer, over TLS if there is a certificate.
async fn serve(listener: tokio::net::TcpListener, tls: Option<TlsAcceptor>, answers: Answers) {
    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, answers: &Answers) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let path = head.split(' ').nth(1).unwrap_or_default();
        let found = answers.iter().find(|(known, ..)| *known == path);
        let (status, body) =
            found.map_or(("404 Not Found", ""), |(_, status, body)| (status, body));
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n");
        let _ = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await;
        let _ = stream.shutdown().await;
    }
    while let Ok((stream, _)) = listener.accept().await {
        match &tls {
            None => answer(stream, &answers).await,
            Some(tls) => {
                if let Ok(stream) = tls.accept(stream).await {
                    answer(stream, &answers).await;
                }
            }
        }
    }
}

const METADATA: &str = "/.well-known/openid-configuration";

fn key_set() -> String {
    let key = SigningKey::generate(KeySpec::P256).unwrap();
    jwks_document([&PublishedKey::new(&key, &[] as &[&[u8]])])
}

/// Fetches from an issuer whose answers are made from its own URL, with `suffix` in configuration.
async fn fetched(suffix: &str, answers: impl FnOnce(&str) -> Answers) -> Result<(), OidcError> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(serve(listener, None, answers(&url)));
    let config = IssuerConfig { issuer: format!("{url}{suffix}"), ..plain_config() };
    let fetcher = fetcher_of(&config).unwrap();
    assert_eq!(fetcher.issuer(), config.issuer);
    let found = fetcher.fetch().await;
    serving.abort();
    found.map(drop)
}

fn fetcher_of(config: &IssuerConfig) -> Result<Fetcher, OidcError> {
    Fetcher::new(&config.issuer, config.ca_file.as_deref(), Spelling::Exact)
}

fn plain_config() -> IssuerConfig {
    IssuerConfig {
        issuer: String::new(),
        audiences: vec!["a".to_owned()],
        algorithms: Vec::new(),
        ca_file: None,
        roles: Vec::new(),
    }
}

#[tokio::test]
async fn metadata_and_keys_are_read_up_to_a_mebibyte_and_from_answers_of_200_only() {
    const MOST: usize = 1024 * 1024;
    let good = |url: &str| json!({"issuer": url, "jwks_uri": format!("{url}/keys")}).to_string();
    let ok = "200 OK";
    fetched("", |url| vec![(METADATA, ok, good(url)), ("/keys", ok, key_set())]).await.unwrap();
    // A slash at the end of the name is none in front of the path.
    let slash = |url: &str| good(&format!("{url}/"));
    fetched("/", |url| vec![(METADATA, ok, slash(url)), ("//keys", ok, key_set())]).await.unwrap();

    let padded = |text: String, length: usize| {
        let spaces = length - text.len();
        text + &" ".repeat(spaces)
    };
    for (length, is_read) in [(MOST, true), (MOST + 1, false)] {
        // No reader takes less than another.
        assert_eq!(Jwks::parse(padded(key_set(), length).as_bytes()).is_ok(), is_read);
        let of_metadata = fetched("", |url| {
            vec![(METADATA, ok, padded(good(url), length)), ("/keys", ok, key_set())]
        });
        let of_keys = fetched("", |url| {
            vec![(METADATA, ok, good(url)), ("/keys", ok, padded(key_set(), length))]
        });
        for found in [of_metadata.await, of_keys.await] {
            match found {
                Err(OidcError::TooLong { limit, .. }) => assert!(!is_read && limit == MOST),
                other => assert!(is_read && other.is_ok(), "{length}: {other:?}"),
            }
        }
    }
    for status in ["201 Created", "204 No Content", "302 Found\r\nlocation: /ok", "404 Not Found"] {
        let of_metadata = fetched("", |url| {
            vec![(METADATA, status, good(url)), ("/keys", ok, key_set()), ("/ok", ok, good(url))]
        });
        let of_keys = fetched("", |url| {
            vec![(METADATA, ok, good(url)), ("/keys", status, key_set()), ("/ok", ok, key_set())]
        });
        for found in [of_metadata.await, of_keys.await] {
            assert!(matches!(found, Err(OidcError::Status { .. })), "{status}: {found:?}");
        }
    }
}

#[tokio::test]
async fn an_issuer_on_https_does_not_send_us_to_keys_on_plain_http() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, cert.pem()).unwrap();
    for (scheme, is_read) in [("https", true), ("http", false)] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = |listener: &tokio::net::TcpListener| listener.local_addr().unwrap().port();
        let url = format!("https://localhost:{}", port(&listener));
        let of_keys = if is_read { port(&listener) } else { port(&plain) };
        let keys = format!("{scheme}://localhost:{of_keys}/keys");
        let metadata = json!({"issuer": url, "jwks_uri": keys}).to_string();
        let answers = vec![(METADATA, "200 OK", metadata), ("/keys", "200 OK", key_set())];
        let serving = [
            tokio::spawn(serve(listener, Some(acceptor.clone()), answers.clone())),
            tokio::spawn(serve(plain, None, answers)),
        ];
        let config = IssuerConfig { issuer: url, ca_file: Some(ca_file.clone()), ..plain_config() };
        match fetcher_of(&config).unwrap().fetch().await {
            Err(OidcError::Content { reason, .. }) => {
                assert!(!is_read && reason == "jwks_uri does not begin with https://", "{reason}");
            }
            other => assert!(is_read && other.is_ok(), "{other:?}"),
        }
        serving.iter().for_each(tokio::task::JoinHandle::abort);
    }
    let without = |text: &str| {
        std::fs::write(&ca_file, text).unwrap();
        let config = IssuerConfig { ca_file: Some(ca_file.clone()), ..plain_config() };
        fetcher_of(&config).map(drop)
    };
    assert!(without(&cert.pem()).is_ok());
    for text in ["", "no certificate"] {
        assert!(matches!(without(text), Err(OidcError::CaFile { .. })), "{text:?}");
    }
    std::fs::remove_file(&ca_file).unwrap();
    let config = IssuerConfig { ca_file: Some(ca_file), ..plain_config() };
    assert!(matches!(fetcher_of(&config), Err(OidcError::CaFile { .. })));
}
