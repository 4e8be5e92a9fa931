//! `avouch verify`, through the binary: tokens of every quality, and a service to fetch keys from.
#![cfg(test)]

mod support;

use std::path::Path;
use std::sync::Arc;

use avouch_mint::{HeldData, Options, mint};
use avouch_token::{
    EvidenceExtension, KeySpec, Payload, PublishedKey, Signer as _, SigningKey, TokenIssuer,
    TokenTimes, jwks_document, provider_certificate,
};
use avouch_wire::{EvidenceKind, UnixTime};
use serde_json::{Map, Value, json};
use support::liar::Liar;
use support::service::Service;
use support::{AT, Folder, avouch, avouch_json, avouch_with_input, text, vectors};

const ISSUER: &str = "https://attest.example";

fn at() -> UnixTime {
    UnixTime::from_rfc3339(AT).unwrap()
}

/// An issuer with its key set in a file.
struct Issuer {
    issuer: TokenIssuer,
    key_set: String,
}

impl Issuer {
    /// `evidence` is given the key and makes what its certificate carries.
    fn new(own: &Folder, evidence: impl FnOnce(&SigningKey) -> Option<EvidenceExtension>) -> Self {
        let key = SigningKey::generate(KeySpec::P256).unwrap();
        let evidence = evidence(&key);
        let certificate = provider_certificate(&key, ISSUER, evidence.as_ref()).unwrap();
        let published = PublishedKey::new(&key, &[certificate]);
        let name = format!("{}.json", avouch_wire::base64url::encode(key.kid()));
        let key_set = own.write(&name, jwks_document([&published])).display().to_string();
        Self { issuer: TokenIssuer::new(Arc::new(key), ISSUER).unwrap(), key_set }
    }

    fn payload() -> Map<String, Value> {
        Map::from_iter([("x-ms-ver".to_owned(), json!("1.0"))])
    }

    fn token(&self) -> String {
        let claims = Self::payload();
        let payload = Payload::new(&claims, TokenTimes::attestation(at())).unwrap();
        self.issuer.sign(&payload).unwrap()
    }

    fn unsecured(&self) -> String {
        let claims = Self::payload();
        let payload = Payload::new(&claims, TokenTimes::attestation(at())).unwrap();
        self.issuer.unsecured(&payload)
    }
}

fn step<'a>(report: &'a Value, name: &str) -> &'a Value {
    let steps = report["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["name"] == name).unwrap_or_else(|| panic!("{name}: {report}"))
}

#[test]
fn a_token_of_the_key_set_is_valid_as_argument_as_file_and_on_standard_input() {
    let own = Folder::new("verify");
    let issuer = Issuer::new(&own, |_| None);
    let token = issuer.token();
    let file = own.write("token.jwt", format!("{token}\n")).display().to_string();
    let body = own.write("answer.json", format!("{{\"token\":\"{token}\"}}")).display().to_string();
    for argument in [&token, &file, &body] {
        let rest = ["--jwks", &issuer.key_set, "--at", AT, "--issuer", ISSUER];
        let report = avouch_json(["verify", argument].iter().chain(&rest)).expect_status(0).json();
        assert_eq!(report["verdict"], "valid", "{report}");
        assert_eq!(report["claims"]["x-ms-ver"], "1.0", "{report}");
        for name in ["token-form", "token-signature", "token-issuer", "token-expiry"] {
            assert_eq!(step(&report, name)["outcome"], "passed", "{report}");
        }
        let evidence = step(&report, "service-evidence");
        assert_eq!(evidence["outcome"], "not-checked");
        assert!(text(&evidence["detail"]).contains("proves nothing about itself"), "{evidence}");
    }
    let whole = ["verify", "-", "--jwks", &issuer.key_set, "--at", AT, "--issuer", ISSUER];
    let run = avouch_with_input(whole, token.as_bytes()).expect_status(0);
    assert!(run.stdout.contains("\nvalid\n"), "{}", run.stdout);
}

#[test]
fn a_token_whose_issuer_nobody_checked_is_not_called_valid() {
    let own = Folder::new("verify-no-issuer");
    let issuer = Issuer::new(&own, |_| None);
    let token = issuer.token();
    let arguments = ["verify", "-", "--jwks", &issuer.key_set, "--at", AT];
    let run = avouch_with_input(arguments, token.as_bytes()).expect_status(1);
    assert!(!run.stdout.contains("\nvalid\n"), "{}", run.stdout);
    assert!(run.stdout.contains("--issuer URL"), "{}", run.stdout);
}

#[test]
fn each_way_in_which_a_token_is_wrong_is_refused_by_its_own_check() {
    let own = Folder::new("verify-refused");
    let issuer = Issuer::new(&own, |_| None);
    let stranger = Issuer::new(&own, |_| None);
    let token = issuer.token();
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[1] =
        avouch_wire::base64url::encode(format!("{{\"iss\":\"{ISSUER}\",\"exp\":9999999999}}"));
    let forged = parts.join(".");
    let later = "2026-02-01T12:00:00Z";
    let earlier = "2026-01-31T11:00:00Z";
    for (token, keys, at, expected_issuer, check) in [
        (&forged, &issuer.key_set, AT, ISSUER, "token-signature"),
        (&token, &stranger.key_set, AT, ISSUER, "token-key"),
        (&token, &issuer.key_set, later, ISSUER, "token-expiry"),
        (&token, &issuer.key_set, earlier, ISSUER, "token-not-before"),
        (&token, &issuer.key_set, AT, "https://other.example", "token-issuer"),
        (&issuer.unsecured(), &issuer.key_set, AT, ISSUER, "token-algorithm"),
    ] {
        let file = own.write("token.jwt", token).display().to_string();
        let arguments = ["verify", &file, "--jwks", keys, "--at", at, "--issuer", expected_issuer];
        let report = avouch_json(arguments).expect_status(1).json();
        assert_eq!(report["error"]["check"], check, "{report}");
        assert_eq!(report["verdict"], "refused");
        assert_eq!(report["claims"], json!({}), "claims of a refused token");
        assert_eq!(step(&report, check)["outcome"], "failed");
    }
}

#[test]
fn an_unsecured_token_is_looked_at_only_if_allowed_and_never_called_valid() {
    let own = Folder::new("verify-unsecured");
    let issuer = Issuer::new(&own, |_| None);
    let token = own.write("token.jwt", issuer.unsecured()).display().to_string();
    let report =
        avouch_json(["verify", &token, "--at", AT, "--allow-unsecured"]).expect_status(0).json();
    assert_eq!(report["verdict"], "unsecured", "{report}");
    let people = avouch(["verify", &token, "--at", AT, "--allow-unsecured"]).expect_status(0);
    assert!(people.stdout.contains("nothing in it is proven"), "{}", people.stdout);
    let signed = own.write("signed.jwt", issuer.token()).display().to_string();
    avouch(["verify", &signed, "--at", AT, "--allow-unsecured"]).expect_status(1);
    // Who demands proof of the service takes no token that no service signed.
    let demanding = ["--allow-unsecured", "--demand-service-evidence"];
    let report = avouch_json([&["verify", &token, "--at", AT][..], &demanding].concat());
    let report = report.expect_status(1).json();
    assert_eq!(report["verdict"], "refused", "{report}");
    assert_eq!(report["error"]["check"], "service-evidence");
    assert_eq!(report["claims"], json!({}));
}

#[test]
fn a_call_without_keys_or_with_bad_ones_is_a_usage_error() {
    let own = Folder::new("verify-usage");
    let issuer = Issuer::new(&own, |_| None);
    let token = own.write("token.jwt", issuer.token()).display().to_string();
    let no_keys = own.write("no.json", "{}").display().to_string();
    for (arguments, said) in [
        (vec!["verify", &token], "--provider"),
        (vec!["verify", &token, "--jwks", &no_keys], "keys"),
        (vec!["verify", "/nonexistent", "--jwks", &issuer.key_set], "cannot read"),
        (vec!["verify", &token, "--provider", "http://attest.example"], "only https"),
        (vec!["verify", &token, "--provider", "https://localhost:1"], "localhost"),
    ] {
        let run = avouch(&arguments).expect_status(2);
        assert!(run.stderr.contains(said), "{arguments:?}: {}", run.stderr);
    }
}

/// A minted SGX quote whose report data vouches for a key by the service's rule.
fn quote_for(key: &SigningKey) -> Vec<u8> {
    let mut options = Options::new(at());
    let mut bound = avouch_pki::pem::encode("PUBLIC KEY", key.public_key().spki_der());
    bound.push('\0');
    options.runtime_data = Some(HeldData::binary(bound));
    mint(EvidenceKind::Sgx, &options).unwrap().evidence
}

#[test]
fn a_quote_in_the_signing_certificate_must_be_for_the_key_that_signed() {
    let own = Folder::new("verify-quote");
    let other = SigningKey::generate(KeySpec::P256).unwrap();
    let bound = Issuer::new(&own, |key| Some(EvidenceExtension::Raw(quote_for(key))));
    let stolen = Issuer::new(&own, |_| Some(EvidenceExtension::Raw(quote_for(&other))));
    let [_, _, trust_root @ ..] = minted_endorsements(&own);
    for (issuer, status, outcome) in [(&bound, 0, "not-checked"), (&stolen, 1, "failed")] {
        let token = own.write("token.jwt", issuer.token()).display().to_string();
        let keys = &issuer.key_set;
        let arguments = ["verify", &token, "--jwks", keys, "--at", AT, "--issuer", ISSUER];
        // A quote that rests on a root that nobody trusts is worse than none.
        avouch_json(arguments).expect_status(1);
        let trusting = arguments.into_iter().chain(trust_root.iter().map(String::as_str));
        let report = avouch_json(trusting).expect_status(status).json();
        assert_eq!(step(&report, "service-key-binding")["outcome"], outcome, "{report}");
        let evidence = step(&report, "service-evidence");
        assert_eq!(evidence["outcome"], "not-checked", "no endorsements are at hand: {evidence}");
        assert!(text(&evidence["detail"]).contains("no endorsements"), "{evidence}");
    }
}

/// The minted endorsements and root of the quotes that [`quote_for`] gives, as options.
fn minted_endorsements(own: &Folder) -> [String; 4] {
    let minted = mint(EvidenceKind::Sgx, &Options::new(at())).unwrap();
    let endorsements = own.write("endorsements.json", minted.endorsements);
    let root = own.write("root.pem", minted.root_pem);
    [
        "--endorsements".into(),
        endorsements.display().to_string(),
        "--trust-root".into(),
        root.display().to_string(),
    ]
}

fn trust(report: &Value) -> Vec<(&str, &str)> {
    let steps = report["trust"].as_array().unwrap();
    steps.iter().map(|step| (text(&step["step"]), text(&step["outcome"]))).collect()
}

#[test]
fn all_steps_are_printed_and_each_can_refuse() {
    let own = Folder::new("verify-trust");
    let issuer = Issuer::new(&own, |key| Some(EvidenceExtension::Raw(quote_for(key))));
    let token = own.write("token.jwt", issuer.token()).display().to_string();
    let given = minted_endorsements(&own);
    let rest = ["--jwks", &issuer.key_set, "--at", AT, "--issuer", ISSUER];
    let call: Vec<&str> = ["verify", &token]
        .into_iter()
        .chain(rest)
        .chain(given.iter().map(String::as_str))
        .collect();
    let names = ["token", "service-evidence", "key-binding", "measurement", "transparency"];
    let with = |outcomes: [&'static str; 4]| {
        names.into_iter().zip(outcomes.into_iter().chain(["not-checked"])).collect::<Vec<_>>()
    };

    let report = avouch_json(&call).expect_status(0).json();
    assert_eq!(trust(&report), with(["passed", "passed", "passed", "not-checked"]), "{report}");

    let appraised =
        own.write("quote.bin", quote_for(&SigningKey::generate(KeySpec::P256).unwrap()));
    let appraised = appraised.display().to_string();
    let facts = ["appraise", "sgx", &appraised, "--at", AT];
    let facts = avouch_json(facts.into_iter().chain(given.iter().map(String::as_str)));
    let mr_enclave = facts.expect_status(0).json()["facts"]["mr_enclave"].clone();
    for (mr_enclave, from, status, outcome, check) in [
        (mr_enclave.clone(), "2026-01-31T12:00:00Z", 0, "passed", Value::Null),
        (json!("11".repeat(32)), "2026-01-31T12:00:00Z", 1, "failed", json!("service-measurement")),
        (mr_enclave, "2026-01-31T12:00:01Z", 1, "failed", json!("service-measurement-announced")),
    ] {
        let list = json!({"measurements": [{
            "name": "release 1",
            "announced_at": "2025-11-30T00:00:00Z",
            "in_force_from": from,
            "workload": {"sgx": {"mr_enclave": mr_enclave}},
        }]});
        let list = own.write("measurements.json", list.to_string()).display().to_string();
        let call: Vec<&str> = call.iter().copied().chain(["--measurements", &list]).collect();
        let report = avouch_json(&call).expect_status(status).json();
        assert_eq!(trust(&report), with(["passed", "passed", "passed", outcome]), "{report}");
        assert_eq!(report["error"]["check"], check, "{report}");
        let people = avouch(&call).expect_status(status).stdout;
        let last = people.lines().find(|line| line.starts_with("4  measurement")).unwrap();
        assert_eq!(last.contains("proven"), status == 0, "{last}");
    }
}

#[test]
fn a_service_without_evidence_is_refused_if_evidence_is_demanded() {
    let own = Folder::new("verify-demand");
    let issuer = Issuer::new(&own, |_| None);
    let token = own.write("token.jwt", issuer.token()).display().to_string();
    let call = ["verify", &token, "--jwks", &issuer.key_set, "--at", AT, "--issuer", ISSUER];
    let report = avouch_json(call).expect_status(0).json();
    assert_eq!(trust(&report)[1], ("service-evidence", "not-checked"));
    let demanding = call.into_iter().chain(["--demand-service-evidence"]);
    let report = avouch_json(demanding).expect_status(1).json();
    assert_eq!(report["error"]["check"], "service-evidence-absent", "{report}");
}

#[test]
fn nonce_audience_and_algorithm_are_demanded_by_options() {
    let own = Folder::new("verify-demands");
    let issuer = Issuer::new(&own, |_| None);
    let claims = json!({"x-ms-ver": "1.0", "nonce": "n-1", "aud": "sts"});
    let payload = Payload::new(claims.as_object().unwrap(), TokenTimes::attestation(at())).unwrap();
    let token = issuer.issuer.sign(&payload).unwrap();
    let token = own.write("token.jwt", token).display().to_string();
    let call = ["verify", &token, "--jwks", &issuer.key_set, "--at", AT, "--issuer", ISSUER];
    for (more, check) in [
        (&["--audience", "sts", "--nonce", "n-1", "--algorithms", "ES256"][..], None),
        (&["--audience", "sts"], None),
        (&[], Some("token-audience")),
        (&["--audience", "other"], Some("token-audience")),
        (&["--audience", "sts", "--nonce", "n-2"], Some("token-nonce")),
        (&["--audience", "sts", "--algorithms", "RS256,ES384"], Some("token-algorithm")),
    ] {
        let run = avouch_json(call.iter().chain(more));
        let report = run.expect_status(i32::from(check.is_some())).json();
        assert_eq!(report["error"]["check"].as_str(), check, "{more:?}: {report}");
    }
    avouch(call.iter().chain(&["--algorithms", "HS256"])).expect_status(2);
}

/// A development service that judges at [`AT`] and has the minted endorsements.
fn start(data: &Path, minted: &Path) -> Service {
    let (endorsements, root) = (minted.join("endorsements.json"), minted.join("root.pem"));
    let more = ["--appraise-at".as_ref(), AT.as_ref(), "--endorsements".as_ref()];
    let more = more.into_iter().chain([endorsements.as_os_str(), "--trust-root".as_ref()]);
    Service::dev(data, more.chain([root.as_os_str()]))
}

/// Posts a minted request and gives the answer's body.
fn attest(service: &Service, ca: &Path, minted: &Path) -> String {
    post(service, ca, minted, "/attest/SgxEnclave?api-version=2025-06-01")
}

/// The same to another route.
fn post(service: &Service, ca: &Path, minted: &Path, path: &str) -> String {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let ca = reqwest::Certificate::from_pem(&std::fs::read(ca).unwrap()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
    let url = format!("{}{path}", service.url);
    let body = std::fs::read_to_string(minted.join("request.json")).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let request = client.post(url).header("content-type", "application/json").body(body);
        request.send().await.unwrap().text().await.unwrap()
    })
}

#[test]
fn the_keys_of_a_running_service_verify_the_token_that_it_issued() {
    let own = Folder::new("verify-service");
    let minted = own.mint("sgx");
    let data = own.join("data");
    let service = start(&data, &minted);
    let ca = data.join("tls/ca.pem");
    let answer = own.write("answer.json", attest(&service, &ca, &minted)).display().to_string();
    let ca = ca.display().to_string();
    let arguments = ["verify", &answer, "--provider", &service.url, "--ca", &ca];
    let report = avouch_json(arguments).expect_status(0).json();
    assert_eq!(report["verdict"], "valid", "{report}");
    for name in ["provider-issuer", "provider-keys", "token-issuer", "token-signature"] {
        assert_eq!(step(&report, name)["outcome"], "passed", "{report}");
    }
    assert_eq!(report["claims"]["x-ms-attestation-type"], "sgx", "{report}");

    // An attestation result is told apart, and verified as one.
    let result = post(&service, Path::new(&ca), &minted, "/avouch/ear/SgxEnclave");
    let result = own.write("result.json", result).display().to_string();
    for (file, more, refused) in [
        (&result, None, true),
        (&result, Some("--ear"), false),
        (&answer, Some("--ear"), true),
        (&answer, None, false),
    ] {
        let arguments = ["verify", file, "--provider", &service.url, "--ca", &ca];
        let run = avouch_json(arguments.into_iter().chain(more));
        let report = run.expect_status(refused.into()).json();
        if refused {
            assert_eq!(report["error"]["check"], "token-type", "{report}");
            assert!(text(&report["error"]["message"]).contains("(EAR)"), "{report}");
        } else {
            assert_eq!(report["verdict"], "valid", "{report}");
            assert!(!report["foreign_root"].is_null(), "{report}");
        }
    }
    let arguments = ["verify", &result, "--ear", "--provider", &service.url, "--ca", &ca];
    let report = avouch_json(arguments).expect_status(0).json();
    assert_eq!(report["claims"]["ear_status"], "none", "{report}");

    // The same service under another name is not the issuer that it says it is.
    let other = service.url.replace("localhost", "127.0.0.1");
    let arguments = ["verify", &answer, "--provider", &other, "--ca", &ca];
    let report = avouch_json(arguments).expect_status(1).json();
    assert_eq!(report["error"]["check"], "provider-issuer", "{report}");

    // Without its CA nothing says that it is the service.
    let run = avouch(["verify", &answer, "--provider", &service.url]).expect_status(2);
    assert!(run.stderr.to_lowercase().contains("certificate"), "{}", run.stderr);
    // A URL where nothing is published.
    let nowhere = format!("{}/providers/nobody", service.url);
    let arguments = ["verify", &answer, "--provider", &nowhere, "--ca", &ca];
    avouch(arguments).expect_status(2);
}

#[test]
fn a_recorded_token_verifies_with_the_recorded_keys_of_its_service_at_its_time() {
    let Some(vectors) = vectors() else { return };
    let own = Folder::new("verify-recorded");
    let mut tried = 0;
    for name in ["sgx-attest-shared-default-policy.json", "sgx-attest-aad-custom-policy.json"] {
        let recorded = std::fs::read(vectors.join("maa-wire").join(name)).unwrap();
        let recorded: Value = serde_json::from_slice(&recorded).unwrap();
        for exchange in recorded["exchanges"].as_array().unwrap() {
            let Some(body) = exchange["response"]["body"].as_str() else { continue };
            let Some(token) = token_in(body) else { continue };
            let claims = claims_of(&token);
            let issuer = text(&claims["iss"]);
            let Some(keys) = recorded_keys(&vectors, &token) else { continue };
            let keys = own.write("keys.json", keys).display().to_string();
            let issued = UnixTime::from_seconds(claims["iat"].as_i64().unwrap()).unwrap();
            let file = own.write("token.jwt", &token).display().to_string();
            let moment = issued.to_string();
            let arguments = ["verify", &file, "--jwks", &keys, "--at", &moment, "--issuer", issuer];
            let report = avouch_json(arguments).expect_status(0).json();
            let binding = step(&report, "service-key-binding");
            assert_eq!(binding["outcome"], "not-checked", "{name}: {report}");
            assert!(text(&binding["detail"]).contains("fits the key"), "{name}: {report}");
            tried += 1;
        }
    }
    assert!(tried > 0, "no recorded token was tried");
}

fn token_in(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    body["token"].as_str().map(str::to_owned)
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&avouch_wire::base64url::decode(part).unwrap()).unwrap()
}

fn claims_of(token: &str) -> Value {
    part(token, 1)
}

/// The recorded key set that holds the token's key, if there is one.
fn recorded_keys(vectors: &Path, token: &str) -> Option<Vec<u8>> {
    let kid = part(token, 0)["kid"].as_str()?.to_owned();
    let folder = vectors.join("maa-wire/certs");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).ok()?.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| std::fs::read(file).unwrap()).find(|bytes| {
        let document: Option<Value> = serde_json::from_slice(bytes).ok();
        let keys = document.as_ref().and_then(|document| document["keys"].as_array());
        keys.is_some_and(|keys| keys.iter().any(|key| key["kid"] == json!(kid)))
    })
}

#[test]
fn a_list_of_measurements_is_shown_at_a_moment_or_refused() {
    let own = Folder::new("measurements");
    let list = |in_force_from: &str| {
        let enclave = |byte: &str| json!({"sgx": {"mr_enclave": byte.repeat(32)}});
        let list = json!({"measurements": [
            {"name": "one", "announced_at": "2026-01-01T00:00:00Z",
             "in_force_from": "2026-01-01T00:00:00Z", "workload": enclave("11")},
            {"name": "two", "announced_at": "2026-04-01T00:00:00Z", "in_force_from": in_force_from,
             "replaces": "one", "workload": enclave("22")},
        ]});
        own.write("list.json", list.to_string()).display().to_string()
    };
    let call =
        |file: &str| avouch_json(["measurements", "check", file, "--at", "2026-05-15T00:00:00Z"]);
    let shown = call(&list("2026-06-01T00:00:00Z")).expect_status(0).json();
    assert_eq!(shown["at"], "2026-05-15T00:00:00Z");
    let [one, two] = shown["measurements"].as_array().unwrap().as_slice() else { panic!() };
    assert_eq!((&one["state"], &one["until"]), (&json!("current"), &json!("2026-07-01T00:00:00Z")));
    assert_eq!(
        (&two["state"], &two["from"]),
        (&json!("announced"), &json!("2026-06-01T00:00:00Z"))
    );
    assert_eq!(two["workload"]["sgx"]["mr_enclave"], "22".repeat(32));
    call(&list("2026-05-31T23:59:59Z")).expect_status(2);
}

/// Whoever answers at an address signs what they like; whose word it is says the name that the caller expects, which
/// the service's own metadata must have.
#[test]
fn a_service_at_one_address_speaks_for_no_other_name_than_its_own() {
    type Case<'a> = (&'a dyn Fn() -> Liar, Option<&'a str>, Option<&'a str>, Option<&'a str>);
    const OTHER: &str = "https://other.example";
    let folder = Folder::new("verify-mirror");
    let own = || Liar::named(&folder, None, |_, _| unreachable!("nothing else is asked"));
    let mirror = || Liar::named(&folder, Some(OTHER), |_, _| unreachable!("nothing else is asked"));
    // Who answers, in whose name the token is, which name is expected, and the check that refuses.
    let cases: [Case<'_>; 8] = [
        (&own, None, None, None),
        (&own, Some(OTHER), None, Some("token-issuer")),
        // A token that says it is another's, with keys from here.
        (&own, Some(OTHER), Some(OTHER), Some("provider-issuer")),
        (&own, None, Some(OTHER), Some("provider-issuer")),
        (&mirror, Some(OTHER), Some(OTHER), None),
        (&mirror, None, Some(OTHER), Some("token-issuer")),
        (&mirror, Some(OTHER), None, Some("provider-issuer")),
        (&mirror, Some(OTHER), Some("https://third.example"), Some("provider-issuer")),
    ];
    for (index, (service, named, expected, check)) in cases.into_iter().enumerate() {
        let service = service();
        let token = service.signed_as(named.unwrap_or(&service.url));
        let ca = service.ca.display().to_string();
        let words = ["verify", &token, "--provider", &service.url, "--ca", &ca];
        let issuer = expected.map(|name| ["--issuer", name]);
        let run = avouch_json(words.iter().chain(issuer.iter().flatten()));
        let report = run.expect_status(i32::from(check.is_some())).json();
        assert_eq!(report["error"]["check"].as_str(), check, "{index}: {report}");
        let verdict = if check.is_some() { "refused" } else { "valid" };
        assert_eq!(report["verdict"], verdict, "{index}");
    }
}
