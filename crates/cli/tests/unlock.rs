//! Unlocking against services that are late, busy, refuse, or lie: who is asked again, who is not, and whose
//! answer opens nothing.
#![cfg(test)]
#![allow(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod support;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use avouch_pki::Certificate;
use avouch_release::{
    AttestedToken, Authority, AuthorityKeys, FirstUse, KeyAttributes, KeyEncryptionKey,
    KeyMaterial, KeyVersion, Operators, PolicyEnvelope, ReleaseRequest, ReleaseSigner, TokenRules,
    judge,
};
use avouch_token::{
    Jwks, KeySpec, Payload, PublishedKey, SigningKey, TokenIssuer, TokenTimes, jwks_document,
};
use avouch_wire::{UnixTime, base64url};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use support::liar::{Answer, Asked, Liar};
use support::{Folder, Run, command, run};

/// What a vault answers that is not what it should be.
type Lie = Box<dyn Fn(&Asked) -> String + Send>;

const ISSUER: &str = "https://attest.example";
const SECRET: [u8; 32] = [7; 32];

static AUTHORITY: LazyLock<Arc<SigningKey>> =
    LazyLock::new(|| Arc::new(SigningKey::generate(KeySpec::P256).unwrap()));
/// What signs answers of the vault.
static VAULT: LazyLock<Arc<SigningKey>> =
    LazyLock::new(|| Arc::new(SigningKey::generate(KeySpec::Rsa2048).unwrap()));

fn now() -> UnixTime {
    let seconds = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    UnixTime::from_seconds(i64::try_from(seconds).unwrap()).unwrap()
}

/// A root, under which there are certificates for the key that signs answers.
struct Root {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
    pem: String,
}

impl Root {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = params("root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let made = params.self_signed(&key).unwrap();
        let certificate = Certificate::parse(made.der()).unwrap();
        Self { issuer: Issuer::new(params, key), certificate, pem: made.pem() }
    }

    /// A signer whose certificate is for that host, until the beginning of that year.
    fn signer_for(&self, host: &str, until_year: i32) -> ReleaseSigner {
        let own = KeyPair::try_from(VAULT.to_pkcs8_der().unwrap().as_slice()).unwrap();
        let mut params = params(host);
        params.not_after = date_time_ymd(until_year, 1, 1);
        let leaf = params.signed_by(&own, &self.issuer).unwrap();
        let chain = [Certificate::parse(leaf.der()).unwrap(), self.certificate.clone()];
        ReleaseSigner::new(Arc::<SigningKey>::clone(&VAULT), &chain).unwrap()
    }

    fn signer(&self) -> ReleaseSigner {
        self.signer_for("localhost", 2100)
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// The token of an attestation service, over what the guest binds.
fn token(asked: &Asked) -> Answer {
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    let runtime = base64url::decode(body["runtimeData"]["data"].as_str().unwrap()).unwrap();
    let runtime: Value = serde_json::from_slice(&runtime).unwrap();
    let claims = json!({"a": "b", "x-ms-runtime": runtime});
    let issuer = TokenIssuer::new(Arc::<SigningKey>::clone(&AUTHORITY), ISSUER).unwrap();
    let times = TokenTimes::attestation(now());
    let token = issuer.sign(&Payload::new(claims.as_object().unwrap(), times).unwrap()).unwrap();
    Answer::json(200, &json!({ "token": token }))
}

/// The answer of a vault to a request for release of the key that `kid` names.
fn released(asked: &Asked, kid: &str, signer: &ReleaseSigner) -> String {
    let request = ReleaseRequest::parse(asked.body.as_bytes()).unwrap();
    let policy =
        json!({"anyOf": [{"authority": ISSUER, "allOf": [{"claim": "a", "equals": "b"}]}]});
    let policy = json!({"data": base64url::encode(policy.to_string())});
    let key = KeyVersion {
        kid: kid.to_owned(),
        is_hsm: false,
        operations: Vec::new(),
        attributes: KeyAttributes {
            is_enabled: true,
            is_exportable: true,
            not_before: None,
            expires_at: None,
            created_at: now(),
            updated_at: now(),
        },
        release_policy: Some(PolicyEnvelope::parse(&policy, Operators::EqualsOnly).unwrap()),
        public_key: None,
    };
    let none: [Vec<u8>; 0] = [];
    let keys = jwks_document([&PublishedKey::new(&**AUTHORITY, &none)]);
    let keys = Jwks::parse(keys.as_bytes()).unwrap();
    let authority = Authority::parse(ISSUER).unwrap();
    let keys = AuthorityKeys::new(&authority, &keys);
    let at = now().saturating_add_seconds(1);
    let token = AttestedToken::verify(request.target(), keys, &TokenRules::default(), at).unwrap();
    let material = KeyMaterial::from_secret(SECRET.to_vec().into()).unwrap();
    let kek = KeyEncryptionKey::from_random(&mut [9; 32]);
    let judged = judge(&key, &token, at).unwrap();
    let sealed = judged.seal(&material, &request, "7.4", &kek, signer).unwrap();
    sealed.given(FirstUse::NotAsked).unwrap()
}

const KID: &str = "https://localhost/keys/disk/0123456789abcdef0123456789abcdef";

fn good(asked: &Asked, signer: &ReleaseSigner) -> Answer {
    if asked.path.starts_with("/attest/") {
        return token(asked);
    }
    Answer::json(200, &json!({ "value": released(asked, KID, signer) }))
}

fn error(status: u16, retry_after: Option<u32>, message: &str) -> Answer {
    let code = if status == 403 { "Forbidden" } else { "ServiceUnavailable" };
    let mut answer = Answer::json(status, &json!({"error": {"code": code, "message": message}}));
    if let Some(seconds) = retry_after {
        answer.headers = format!("retry-after: {seconds}\r\n");
    }
    answer
}

/// A guest before services that answer as a test wants.
struct Place {
    folder: Folder,
    liar: Liar,
    ca: PathBuf,
    token: PathBuf,
}

impl Place {
    /// Services that answer by `answer`; roots of `chain` are trusted beside that of their TLS.
    fn new(name: &str, trusted: &Root, answer: impl Fn(&Asked) -> Answer + Send + 'static) -> Self {
        let folder = Folder::new(name);
        let liar = Liar::start(&folder, move |_, asked| answer(asked));
        let tls = std::fs::read_to_string(&liar.ca).unwrap();
        let ca = folder.write("ca.pem", format!("{tls}{}", trusted.pem));
        let token = folder.write("token", "a bearer token for a vault of a test");
        Self { folder, liar, ca, token }
    }

    fn unlock(&self, options: &[&str]) -> Run {
        let mut unlock = command();
        unlock.args(["unlock", "--attest", &self.liar.url, "--vault", &self.liar.url]);
        unlock.args(["--key", "disk", "--minted", "--token-file"]).arg(&self.token);
        unlock.arg("--ca").arg(&self.ca).args(options).args(["--", "sh", "-c", "cat > \"$0\""]);
        unlock.arg(self.folder.join("key"));
        run(&mut unlock)
    }

    /// What the program was given, if it was started.
    fn given(&self) -> Option<Vec<u8>> {
        std::fs::read(self.folder.join("key")).ok()
    }

    fn requests(&self, beginning: &str) -> usize {
        self.liar.asked().iter().filter(|asked| asked.path.starts_with(beginning)).count()
    }
}

#[test]
fn a_service_that_is_busy_is_asked_again_when_it_says() {
    let root = Root::new();
    let (signer, count) = (root.signer(), AtomicUsize::new(0));
    let place = Place::new("unlock-busy", &root, move |asked| {
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => error(503, Some(2), "starting"),
            // The vault, after a token.
            2 => error(429, Some(1), "too many"),
            // Not an answer of a service at all.
            3 => Answer { status: 502, headers: String::new(), body: b"<html>".to_vec() },
            _ => good(asked, &signer),
        }
    });
    let begun = Instant::now();
    let done = place.unlock(&["--wait-seconds", "0"]).expect_status(0);
    assert!(begun.elapsed() >= Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(place.given().unwrap(), SECRET);
    for said in ["starting; once more in 2 s", "too many; once more in 1 s", "once more in 0 s"] {
        assert!(done.stderr.contains(said), "{}", done.stderr);
    }
    // Each attempt is a new one: a new key of the guest, a new token.
    let asked = place.liar.asked();
    let attested: Vec<&str> = asked
        .iter()
        .filter(|asked| asked.path.starts_with("/attest/"))
        .map(|asked| asked.body.as_str())
        .collect();
    assert_eq!(attested.len(), 4);
    assert!(attested.windows(2).all(|pair| pair[0] != pair[1]));
    // The vault's bearer goes to the vault.
    for asked in &asked {
        assert_eq!(asked.authorization.is_some(), asked.path.starts_with("/keys/"));
    }
}

const WHY: &str = "Not released: the attestation token does not meet the key's release policy.";

#[test]
fn a_refusal_is_final_and_says_what_is_wrong() {
    let root = Root::new();
    let place = Place::new("unlock-refused", &root, |asked| {
        if asked.path.starts_with("/attest/") { token(asked) } else { error(403, Some(1), WHY) }
    });
    let refused = place.unlock(&["--wait-seconds", "0"]).expect_status(1);
    assert!(refused.stdout.contains(WHY) && refused.stdout.contains("403"), "{}", refused.stdout);
    assert!(refused.stderr.contains("audit trail"), "{}", refused.stderr);
    assert_eq!((place.requests("/attest/"), place.requests("/keys/")), (1, 1));
    assert_eq!(place.given(), None);
    // Nor is a guest attested again that was refused.
    let place = Place::new("unlock-unattested", &root, |_| {
        let body = json!({"error": {"code": "InvalidParameter", "message": "measurement: no"}});
        Answer::json(400, &body)
    });
    let refused = place.unlock(&["--wait-seconds", "0"]).expect_status(1);
    assert!(refused.stdout.contains("measurement: no"), "{}", refused.stdout);
    assert_eq!((place.requests("/attest/"), place.requests("/keys/")), (1, 0));
}

#[test]
fn attempts_end_by_their_number_and_by_time() {
    let root = Root::new();
    let place = Place::new("unlock-retries", &root, |_| error(503, None, "not yet"));
    let ended = place.unlock(&["--wait-seconds", "0", "--retries", "2"]).expect_status(2);
    assert_eq!(place.requests("/attest/"), 3);
    assert!(ended.stderr.contains("--retries is 2"), "{}", ended.stderr);
    assert!(ended.stderr.contains("not yet"), "{}", ended.stderr);
    // What the service asks for goes beyond the limit, so nobody waits for it.
    let place = Place::new("unlock-time", &root, |_| error(503, Some(3600), "much later"));
    let begun = Instant::now();
    let ended = place.unlock(&["--give-up-seconds", "60"]).expect_status(2);
    assert!(begun.elapsed() < Duration::from_secs(50));
    assert_eq!(place.requests("/attest/"), 1);
    assert!(ended.stderr.contains("--give-up-seconds is 60"), "{}", ended.stderr);
    // Nobody there at all.
    let mut unlock = command();
    unlock.args(["unlock", "--attest", "https://localhost:1", "--vault", "https://localhost:1"]);
    unlock.args(["--key", "disk", "--minted", "--retries", "1", "--wait-seconds", "1"]);
    unlock.arg("--token-file").arg(&place.token).arg("--ca").arg(&place.ca);
    let begun = Instant::now();
    let ended = run(unlock.args(["--", "true"])).expect_status(2);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert!(ended.stderr.contains("https://localhost:1/attest/"), "{}", ended.stderr);
}

/// The signature of an answer must be the vault's own, under a root that the guest trusts, and the answer
/// that to its request, for the key that it asked for.
#[test]
fn an_answer_that_is_not_the_vaults_opens_nothing() {
    let root = Root::new();
    let other = Root::new();
    let with_header = |change: fn(&mut Value)| -> Lie {
        let signer = root.signer();
        Box::new(move |asked| {
            let answer = released(asked, KID, &signer);
            let (_, rest) = answer.split_once('.').unwrap();
            let (payload, _) = rest.split_once('.').unwrap();
            let header = base64url::decode(answer.split('.').next().unwrap()).unwrap();
            let mut header: Value = serde_json::from_slice(&header).unwrap();
            change(&mut header);
            let message = format!("{}.{payload}", base64url::encode(header.to_string()));
            let signature = avouch_token::Signer::sign(&**VAULT, message.as_bytes()).unwrap();
            format!("{message}.{}", base64url::encode(signature))
        })
    };
    let by = |signer: ReleaseSigner, kid: &'static str| -> Lie {
        Box::new(move |asked| released(asked, kid, &signer))
    };
    let old = Arc::new(Mutex::new(None));
    let signer = root.signer();
    // The answer to the first request, again and again.
    let repeated: Lie = Box::new(move |asked| {
        let mut old = old.lock().unwrap();
        old.get_or_insert_with(|| {
            let mut body: Value = serde_json::from_str(&asked.body).unwrap();
            body["nonce"] = "another".into();
            released(&Asked { body: body.to_string(), ..asked.clone() }, KID, &signer)
        })
        .clone()
    });
    let other_key = "https://localhost/keys/other/0123456789abcdef0123456789abcdef";
    let lies: [(&str, Lie, &str); 8] = [
        ("other host", by(root.signer_for("other.example", 2100), KID), "release-answer-signer"),
        ("root that nobody trusts", by(other.signer(), KID), "release-answer-signer"),
        ("expired", by(root.signer_for("localhost", 2021), KID), "release-answer-signer"),
        (
            "certificates in another order",
            with_header(|header| {
                header["x5c"].as_array_mut().unwrap().reverse();
            }),
            "release-answer",
        ),
        ("no certificates", with_header(|header| header["x5c"] = json!([])), "release-answer"),
        ("unsigned", with_header(|header| header["alg"] = "none".into()), "release-answer"),
        ("to another request", repeated, "release-answer"),
        ("another key", by(root.signer(), other_key), "release-answer"),
    ];
    for (index, (what, lie, check)) in lies.into_iter().enumerate() {
        let place = Place::new(&format!("unlock-lie-{index}"), &root, move |asked| {
            if asked.path.starts_with("/attest/") {
                return token(asked);
            }
            Answer::json(200, &json!({ "value": lie(asked) }))
        });
        let refused = place.unlock(&["--retries", "0", "--output", "json"]).expect_status(1);
        assert_eq!(refused.json()["error"]["check"], check, "{what}: {}", refused.stdout);
        assert_eq!(place.given(), None, "{what}");
    }
    // The same without a lie.
    let signer = root.signer();
    let place = Place::new("unlock-honest", &root, move |asked| good(asked, &signer));
    place.unlock(&["--retries", "0"]).expect_status(0);
    assert_eq!(place.given().unwrap(), SECRET);
}
