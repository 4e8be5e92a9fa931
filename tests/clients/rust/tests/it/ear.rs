//! Crate `ear`, of those who wrote the draft, as a relying party that takes attestation results.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ear::{Ear, RawValueKind, TrustTier};
use jsonwebtoken_of_ear::jwk::{Jwk, JwkSet};
use jsonwebtoken_of_ear::{Algorithm, DecodingKey, decode_header};
use serde_json::{Value, json};

use crate::support::{self, base64url, minted};

const NONCE: &str = "bm9uY2Utb2YtYS1jbGllbnQ";

/// A service, and who trusts its CA.
struct Asked {
    url: String,
    http: reqwest::Client,
    /// Ends with this value.
    _own: Option<Own>,
}

/// A service of our own in a folder, whose key for tokens is of another kind.
struct Own {
    child: Child,
    folder: PathBuf,
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Asked {
    /// The one that all tests share: it signs by RSA.
    fn shared() -> Self {
        Self { url: support::issuer(), http: support::http(), _own: None }
    }

    fn with_key(kind: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("avouch-ear-{kind}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let master = folder.join("master.key");
        std::fs::write(&master, "7e".repeat(32)).unwrap();
        private(&master);
        let config = folder.join("avouch.toml");
        let text = format!("[signing]\nmaster_key_file = {master:?}\nkeys = [{kind:?}]\n");
        std::fs::write(&config, text).unwrap();
        let case = Path::new(&std::env::var("AVOUCH_MINTED").unwrap()).join("sgx-json");
        let mut serve = Command::new(std::env::var("AVOUCH_COMMAND").unwrap());
        serve.args(["serve", "--dev", "--listen", "127.0.0.1:0"]);
        serve.arg("--config").arg(config).arg("--data-dir").arg(folder.join("data"));
        serve.arg("--endorsements").arg(case.join("endorsements.json"));
        serve.arg("--trust-root").arg(case.join("root.pem"));
        serve.env("AVOUCH_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = serve.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let own = Own { child, folder };
        let ca = std::fs::read(own.folder.join("data/tls/ca.pem")).unwrap();
        let ca = reqwest::Certificate::from_pem(&ca).unwrap();
        let http = reqwest::Client::builder().add_root_certificate(ca).no_proxy().build().unwrap();
        Self { url: url.trim().to_owned(), http, _own: Some(own) }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.url)).json(body).send().await;
        answer.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    async fn result(&self, body: &Value) -> String {
        let answer = self.post("/avouch/ear/SgxEnclave", body).await;
        answer["token"].as_str().unwrap().to_owned()
    }

    /// The key that a result names, of those that the issuer's metadata leads to.
    async fn key(&self, result: &str) -> Jwk {
        let get = async |url: &str| -> Value {
            self.http.get(url).send().await.unwrap().json().await.unwrap()
        };
        let metadata = get(&format!("{}/.well-known/openid-configuration", self.url)).await;
        let keys = get(metadata["jwks_uri"].as_str().unwrap()).await;
        let keys: JwkSet = serde_json::from_value(keys).unwrap();
        keys.find(&decode_header(result).unwrap().kid.unwrap()).unwrap().clone()
    }
}

/// Of a secret that others can read the service takes none.
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn request() -> Value {
    let runtime = minted("sgx-json", "runtime-data.json");
    json!({
        "quote": base64url(&minted("sgx-json", "quote.bin")),
        "runtimeData": {"data": base64url(&runtime), "dataType": "JSON"},
        "nonce": NONCE,
    })
}

fn read(result: &str, algorithm: Algorithm, key: &Jwk) -> Result<Ear, ear::Error> {
    Ear::from_jwt(result, algorithm, &DecodingKey::from_jwk(key).unwrap())
}

async fn is_read(asked: &Asked, algorithm: Algorithm) {
    let result = asked.result(&request()).await;
    assert_eq!(decode_header(&result).unwrap().typ.as_deref(), Some("eat+jwt"));
    let key = asked.key(&result).await;
    let mut ear = read(&result, algorithm, &key).unwrap();
    assert_eq!(ear.profile, ear::EAR_PROFILE);
    assert_eq!(ear.vid.developer, "avouch");
    assert!(ear.vid.build.starts_with("avouch "));
    assert_eq!(ear.exp.unwrap() - ear.iat, 28_800);
    assert_eq!(ear.nonce.as_ref().unwrap().to_string(), NONCE);
    // Minted evidence rests on a root that is not Intel's: nothing speaks for it.
    assert_eq!(ear.status, Some(TrustTier::None));
    assert_eq!(ear.submods.keys().collect::<Vec<_>>(), ["sgx"]);
    let appraisal = &ear.submods["sgx"];
    assert_eq!(appraisal.status, TrustTier::None);
    assert!(appraisal.trust_vector.into_iter().all(|claim| claim.is_set() && claim.get() == 0));

    // The same verdict as that of the token.
    let token = asked.post("/attest/SgxEnclave?api-version=2025-06-01", &request()).await;
    let payload = token["token"].as_str().unwrap().split('.').nth(1).unwrap();
    let mut claims: Value = serde_json::from_slice(&support::unpadded(payload)).unwrap();
    for issuers in ["iss", "iat", "nbf", "exp", "jti"] {
        assert!(claims.as_object_mut().unwrap().remove(issuers).is_some());
    }
    assert_eq!(appraisal.policy_ids, [claims["x-ms-policy-hash"].as_str().unwrap()]);
    ear.extensions.register("avouch-token-claims", -70_100, RawValueKind::Map).unwrap();
    let kept = ear.extensions.get_by_name("avouch-token-claims").unwrap();
    assert_eq!(serde_json::to_value(kept).unwrap(), claims);

    // Another first character of the signature, and a better status.
    let (signed, signature) = result.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let forged = format!("{signed}.{first}{}", &signature[1..]);
    assert!(matches!(read(&forged, algorithm, &key), Err(ear::Error::VerifyError(_))));
    let (head, payload) = signed.split_once('.').unwrap();
    let payload = String::from_utf8(support::unpadded(payload)).unwrap();
    let better = payload.replace("\"ear_status\":\"none\"", "\"ear_status\":\"affirming\"");
    assert_ne!(better, payload);
    let forged = format!("{head}.{}.{signature}", base64url(better.as_bytes()));
    assert!(matches!(read(&forged, algorithm, &key), Err(ear::Error::VerifyError(_))));
    // A token is no result.
    read(token["token"].as_str().unwrap(), algorithm, &key).unwrap_err();
}

#[tokio::test]
async fn results_are_read_under_rsa() {
    is_read(&Asked::shared(), Algorithm::RS256).await;
}

#[tokio::test]
async fn results_are_read_under_p_256_and_another_key_of_the_kind_is_refused() {
    let (asked, other) = (Asked::with_key("p-256"), Asked::with_key("p-384"));
    is_read(&asked, Algorithm::ES256).await;
    is_read(&other, Algorithm::ES384).await;
    let result = asked.result(&request()).await;
    let foreign = Jwk::clone(&other.key(&other.result(&request()).await).await);
    assert!(read(&result, Algorithm::ES256, &foreign).is_err());
    // The crate's own reader takes keys of these kinds, as documents.
    let key = serde_json::to_vec(&asked.key(&result).await).unwrap();
    Ear::from_jwt_jwk(&result, ear::Algorithm::ES256, &key).unwrap();
}

/// What a debugger can see into is contraindicated, whoever reads it.
#[tokio::test]
async fn an_enclave_that_can_be_debugged_is_contraindicated() {
    let folder = std::env::temp_dir().join(format!("avouch-ear-debug-{}", std::process::id()));
    let command = std::env::var("AVOUCH_COMMAND").unwrap();
    let minted = Command::new(command)
        .args(["mint", "sgx", "--break", "debug", "--out"])
        .arg(&folder)
        .stdout(Stdio::null())
        .status();
    assert!(minted.unwrap().success());
    let request = std::fs::read(folder.join("request.json")).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let asked = Asked::shared();
    let result = asked.result(&serde_json::from_slice(&request).unwrap()).await;
    let ear = read(&result, Algorithm::RS256, &asked.key(&result).await).unwrap();
    assert_eq!(ear.status, Some(TrustTier::Contraindicated));
    let vector = &ear.submods["sgx"].trust_vector;
    assert_eq!((vector.configuration.get(), vector.runtime_opaque.get()), (96, 96));
}
