//! What one warm release of a key over TLS costs the server, beside what it cannot avoid.
//!
//! The whole release: bearer, role and rate, the token verified by its RS256 signature, the policy, an
//! RSA-2048 key unwrapped under the master key, wrapped to the workload, the answer signed, the audit trail
//! written to SQLite. Unavoidable are a bare TLS JSON echo of the same sizes, the token's RS256
//! verification, one RSA-OAEP encryption and one RS256 signature, on another thread, since a service goes
//! on answering meanwhile; and one row of a database, since no key may leave before the trail has it.
//!
//! Service and echoes are child processes, measured by the scheduler's count of their CPU time; rounds are
//! interleaved, and medians printed, so that a busy machine disturbs all alike. Then what a release
//! consists of is measured piece by piece.
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
mod pieces;
#[path = "../support/primitives.rs"]
mod primitives;

use std::path::Path;

use avouch_mint::{HeldData, Minted, Options, mint};
use avouch_server::Clock;
use avouch_token::{KeySpec, Signer as _, SigningKey, public_jwk_members};
use avouch_wire::{EvidenceKind, base64url};
use children::{Child, IN_MEMORY, Role, VAULT_HOST};
use primitives::{Encryption, Signature, TokenVerification, per_run_us};
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
fn guest() -> Minted {
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

/// What is asked for: the body, and the policy of the key.
struct Subject {
    body: String,
    policy: Value,
}

/// Makes the key that is asked for.
async fn subject(vault: &Child, guest: &str) -> Subject {
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
    let body = json!({"target": token, "nonce": "n", "enc": "RSA_AES_KEY_WRAP_256"}).to_string();
    Subject { body, policy }
}

fn measure() {
    let minted = guest();
    let folder = tempfile::tempdir().unwrap();
    minted.write_to(folder.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (subject, keys) = compare(&minted, folder.path(), IN_MEMORY).await;
        let file = folder.path().join("release.db").display().to_string();
        compare(&minted, folder.path(), &file).await;
        pieces::print(&subject, &keys, folder.path()).await;
    });
}

/// The service beside the others, with the database there. Gives what was asked for, and the keys by which
/// its token verifies.
async fn compare(minted: &Minted, folder: &Path, database: &str) -> (Subject, Vec<u8>) {
    let vault = Child::start(Role::Vault, folder, &[database.to_owned()]).await;
    let subject = subject(&vault, &minted.request).await;
    let keys = vault.send(Method::GET, "/certs", "").await;
    let body = &subject.body;
    let answer_bytes = vault.send_to(VAULT_HOST, Method::POST, RELEASE, body).await.len();
    let bytes = answer_bytes.to_string();
    let row = match database {
        IN_MEMORY => database.to_owned(),
        file => format!("{file}.bare"),
    };
    let echo = Child::start(Role::Echo, folder, std::slice::from_ref(&bytes)).await;
    let crypto = Child::start(Role::EchoWithRelease, folder, std::slice::from_ref(&bytes)).await;
    let unavoidable = Child::start(Role::EchoWithRelease, folder, &[bytes, row]).await;
    let (verification, encryption) = (TokenVerification::new(), Encryption::new());
    let signature = Signature::rs256();

    let place = if database == IN_MEMORY { "in memory" } else { "in a file" };
    println!("database {place}; request {} bytes, answer {answer_bytes} bytes", body.len());
    for clients in [1, 8] {
        let mut rows = Rows::default();
        for _ in 0..ROUNDS {
            let cpu =
                async |child: &Child| child.cpu_us_of_vault(RELEASE, body, REQUESTS, clients).await;
            rows.release.push(cpu(&vault).await);
            rows.unavoidable.push(cpu(&unavoidable).await);
            rows.crypto.push(cpu(&crypto).await);
            rows.echo.push(cpu(&echo).await);
            rows.verify.push(per_run_us(|| verification.run()));
            rows.encrypt.push(per_run_us(|| encryption.run()));
            rows.sign.push(per_run_us(|| signature.run()));
        }
        rows.print(clients);
    }
    (subject, keys)
}

#[derive(Default)]
struct Rows {
    release: Vec<f64>,
    unavoidable: Vec<f64>,
    crypto: Vec<f64>,
    echo: Vec<f64>,
    verify: Vec<f64>,
    encrypt: Vec<f64>,
    sign: Vec<f64>,
}

impl Rows {
    fn print(mut self, clients: u32) {
        let release = median(&mut self.release);
        let unavoidable = median(&mut self.unavoidable);
        let crypto = median(&mut self.crypto);
        let echo = median(&mut self.echo);
        let (verify, encrypt) = (median(&mut self.verify), median(&mut self.encrypt));
        let sign = median(&mut self.sign);
        println!("| part, {clients} at once | server CPU, microseconds |");
        println!("|---|---:|");
        println!("| release | {release:.0} |");
        println!("| the unavoidable in one server | {unavoidable:.0} |");
        println!("| the same without a row of a database | {crypto:.0} |");
        println!("| bare TLS JSON echo of the same sizes | {echo:.0} |");
        println!("| one RS256 verification, RSA-2048 | {verify:.0} |");
        println!("| one RSA-OAEP encryption, RSA-2048, SHA-256 | {encrypt:.0} |");
        println!("| one RS256 signature, RSA-2048 | {sign:.0} |");
        println!("releases per second and core: {:.0}", 1e6 / release);
        println!("ratio to the unavoidable in one server: {:.2}", release / unavoidable);
        println!("ratio to the same without a row: {:.2}", release / crypto);
        let bare = release / (encrypt + sign);
        println!("ratio to bare RSA-OAEP and RS256, without a server: {bare:.2}");
        println!();
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
