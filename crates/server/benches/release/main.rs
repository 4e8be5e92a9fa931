//! What one warm release of a key over TLS costs the server, beside what it cannot avoid: a bare TLS JSON
//! echo of the same sizes, one RSA-OAEP encryption and one RS256 signature.
//!
//! The whole release: bearer, role and rate, the key's record and the token read, the token verified by
//! its RS256 signature, the policy, an RSA-2048 key unwrapped under the master key, wrapped to the
//! workload, the answer signed, the audit trail written to SQLite in memory. Service and echoes are child
//! processes, measured by the scheduler's count of their CPU time; rounds are interleaved, and medians
//! printed, so that a busy machine disturbs all alike.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a benchmark is a program for people"
)]

#[path = "../support/children.rs"]
mod children;
#[path = "../support/primitives.rs"]
mod primitives;

use avouch_mint::{HeldData, Options, mint};
use avouch_server::Clock;
use avouch_token::{KeySpec, Signer as _, SigningKey, public_jwk_members};
use avouch_wire::{EvidenceKind, base64url};
use children::{Child, IN_MEMORY, Role, VAULT_HOST};
use primitives::{Encryption, Signature, per_run_us};
use reqwest::Method;
use serde_json::{Map, Value, json};

/// As in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 7;
const REQUESTS: u32 = 400;
const RELEASE: &str = "/keys/disk//release?api-version=7.4";

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let Some(role) = words.get(1).and_then(|word| Role::from_word(word)) {
        children::run(role, &words[2..]);
        return;
    }
    // `cargo test --benches` only wants to know that it starts.
    if words.iter().any(|word| word == "--test") {
        return;
    }
    measure();
}

/// Evidence of a guest that binds an RSA key.
fn guest() -> avouch_mint::Minted {
    let key = SigningKey::generate(KeySpec::Rsa2048).unwrap();
    let mut jwk: Map<String, Value> = public_jwk_members(key.public_key())
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    jwk.insert("key_ops".to_owned(), json!(["encrypt"]));
    let runtime = json!({ "keys": [jwk] }).to_string();
    let options = Options {
        runtime_data: Some(HeldData::json(runtime)),
        ..Options::new(Clock::system().now())
    };
    mint(EvidenceKind::Snp, &options).unwrap()
}

/// Makes the key and returns the body that asks for its release.
async fn request(vault: &Child, guest: &str) -> String {
    let path = "/attest/SevSnpVm?api-version=2022-08-01";
    let answer = vault.send(Method::POST, path, guest).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let token = answer["token"].as_str().unwrap();
    let claims = base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    let condition = |claim: &str| json!({"claim": claim, "equals": claims[claim]});
    let policy = json!({"version": "1.0.0", "anyOf": [{"authority": vault.url(), "allOf": [
        condition("x-ms-attestation-type"),
        condition("x-ms-sevsnpvm-is-debuggable"),
        condition("x-ms-sevsnpvm-launchmeasurement"),
        condition("avouch-trust-root"),
    ]}]});
    let body = json!({
        "kty": "RSA", "key_size": 2048, "attributes": {"exportable": true},
        "release_policy": {"data": base64url::encode(policy.to_string())},
    });
    let path = "/keys/disk/create?api-version=7.4";
    vault.send_to(VAULT_HOST, Method::POST, path, &body.to_string()).await;
    json!({"target": token, "nonce": "n", "enc": "RSA_AES_KEY_WRAP_256"}).to_string()
}

fn measure() {
    let minted = guest();
    let folder = tempfile::tempdir().unwrap();
    minted.write_to(folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let vault = Child::start(Role::Vault, folder.path(), &[IN_MEMORY.to_owned()]).await;
        let body = request(&vault, &minted.request).await;
        let answer_bytes = vault.send_to(VAULT_HOST, Method::POST, RELEASE, &body).await.len();
        let words = [answer_bytes.to_string()];
        let echo = Child::start(Role::Echo, folder.path(), &words).await;
        let unavoidable = Child::start(Role::EchoWithRelease, folder.path(), &words).await;
        let (encryption, signature) = (Encryption::new(), Signature::new());

        let mut rows = Rows::default();
        for _ in 0..ROUNDS {
            rows.release.push(vault.cpu_us_of_vault(RELEASE, &body, REQUESTS).await);
            rows.unavoidable.push(unavoidable.cpu_us_of_vault(RELEASE, &body, REQUESTS).await);
            rows.echo.push(echo.cpu_us_of_vault(RELEASE, &body, REQUESTS).await);
            rows.encrypt.push(per_run_us(|| encryption.run()));
            rows.sign.push(per_run_us(|| signature.run()));
        }
        println!("request {} bytes, answer {answer_bytes} bytes", body.len());
        rows.print();
    });
}

#[derive(Default)]
struct Rows {
    release: Vec<f64>,
    unavoidable: Vec<f64>,
    echo: Vec<f64>,
    encrypt: Vec<f64>,
    sign: Vec<f64>,
}

impl Rows {
    fn print(mut self) {
        let release = median(&mut self.release);
        let unavoidable = median(&mut self.unavoidable);
        let echo = median(&mut self.echo);
        let encrypt = median(&mut self.encrypt);
        let sign = median(&mut self.sign);
        println!("| part | server CPU, microseconds |");
        println!("|---|---:|");
        println!("| release | {release:.0} |");
        println!(
            "| the unavoidable in one server, its cryptography on another thread | {unavoidable:.0} |"
        );
        println!("| bare TLS JSON echo of the same sizes | {echo:.0} |");
        println!("| one RSA-OAEP encryption, RSA-2048, SHA-256 | {encrypt:.0} |");
        println!("| one RS256 signature, RSA-2048 | {sign:.0} |");
        println!("releases per second and core: {:.0}", 1e6 / release);
        println!("ratio to the unavoidable in one server: {:.2}", release / unavoidable);
        println!(
            "ratio to bare RSA-OAEP and RS256, without a server: {:.2}",
            release / (encrypt + sign)
        );
        println!("release without TLS, HTTP and JSON of the echo: {:.0}", release - echo);
        let alone = (release - echo) / (encrypt + sign);
        println!("ratio of that to bare RSA-OAEP and RS256: {alone:.2}");
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
