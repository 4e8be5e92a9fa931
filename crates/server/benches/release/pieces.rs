//! What a release consists of, each piece by itself, in this process.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use avouch_pki::PublicKey;
use avouch_release::{
    AttestedToken, Authority, AuthorityKeys, FirstUse, KeyAttributes, KeyEncryptionKey,
    KeyMaterial, KeyVersion, MaterialSpec, Operators, PolicyEnvelope, ReleaseRequest,
    ReleaseSigner, TokenRules, WrappingKey, judge,
};
use avouch_server::http::DevelopmentCa;
use avouch_server::keys::{MasterKey, MasterKeys};
use avouch_server::processor::Spent;
use avouch_server::work::Source;
use avouch_server::{Clock, Fault, WorkLimits, WorkPool, vault};
use avouch_store::testing::BareRows;
use avouch_store::{
    Actor, ActorKind, Edit, NewVaultKey, Store, VaultKey, VaultKeyPolicy, VaultKeySettings,
    VaultKeyType, VaultRelease,
};
use avouch_token::Jwks;
use avouch_wire::{UnixTime, base64url};
use serde_json::{Value, json};

use crate::children::{VAULT_HOST, cpu_us_of};
use crate::primitives::{Encryption, Signature, TokenVerification};
use crate::{Subject, median};

const BATCHES: usize = 7;
const RUNS: u32 = 200;
const NAME: &str = "disk";
const VERSION: &str = "0123456789abcdef0123456789abcdef";

/// All that pieces work on.
struct Bench {
    at: UnixTime,
    body: String,
    authority: Authority,
    keys: Jwks,
    version: KeyVersion,
    material: KeyMaterial,
    signer: ReleaseSigner,
    envelope: Value,
    master: MasterKeys,
    wrapped: Vec<u8>,
    context: Vec<u8>,
}

impl Bench {
    fn new(subject: &Subject, keys: &[u8], folder: &Path) -> Self {
        let at = Clock::system().now();
        let request = ReleaseRequest::parse(subject.body.as_bytes()).unwrap();
        let authority = Authority::claimed_by(request.target()).unwrap();
        let envelope = json!({ "data": base64url::encode(subject.policy.to_string()) });
        let material = KeyMaterial::generate(MaterialSpec::Rsa2048).unwrap();
        let version = KeyVersion {
            kid: format!("https://{VAULT_HOST}:40000/keys/{NAME}/{VERSION}"),
            is_hsm: false,
            operations: ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]
                .map(str::to_owned)
                .to_vec(),
            attributes: KeyAttributes {
                is_enabled: true,
                is_exportable: true,
                not_before: None,
                expires_at: None,
                created_at: at,
                updated_at: at,
            },
            release_policy: Some(PolicyEnvelope::parse(&envelope, Operators::EqualsOnly).unwrap()),
            public_key: material.public_key().cloned(),
        };
        let ca = DevelopmentCa::open(&folder.join("tls")).unwrap();
        let signer = vault::development_signer(&ca, VAULT_HOST).unwrap();
        let master = MasterKeys::new(MasterKey::parse(&"a".repeat(64)).unwrap(), Vec::new());
        let context = vec![7; 500];
        let wrapped = master.wrap(material.secret_bytes(), &context).unwrap();
        let (body, keys) = (subject.body.clone(), Jwks::parse(keys).unwrap());
        Self {
            at,
            body,
            authority,
            keys,
            version,
            material,
            signer,
            envelope,
            master,
            wrapped,
            context,
        }
    }

    fn request(&self) -> ReleaseRequest {
        ReleaseRequest::parse(self.body.as_bytes()).unwrap()
    }

    fn token(&self, request: &ReleaseRequest) -> AttestedToken {
        let keys = AuthorityKeys::new(&self.authority, &self.keys);
        AttestedToken::verify(request.target(), keys, &TokenRules::default(), self.at).unwrap()
    }

    fn unwrap(&self) -> KeyMaterial {
        let bytes = self.master.unwrap(self.master.first().name(), &self.wrapped, &self.context);
        KeyMaterial::of_kept(bytes.unwrap(), self.version.public_key.clone())
    }

    fn seal(&self, token: &AttestedToken, request: &ReleaseRequest) -> String {
        let kek = KeyEncryptionKey::from_random(&mut [7; 32]);
        let judged = judge(&self.version, token, self.at).unwrap();
        let sealed = judged.seal(&self.material, request, "7.4", &kek, &self.signer).unwrap();
        sealed.given(FirstUse::NotAsked).unwrap()
    }
}

/// Measures and prints all pieces.
pub(crate) async fn print(subject: &Subject, keys: &[u8], folder: &Path) {
    println!("| piece | CPU, microseconds |");
    println!("|---|---:|");
    let bench = Bench::new(subject, keys, folder);
    of_cryptography();
    of_library(&bench);
    of_hand_over().await;
    of_database(&bench).await;
}

fn of_cryptography() {
    let (verification, encryption) = (TokenVerification::new(), Encryption::new());
    let signature = Signature::rs256();
    piece("one RS256 verification", || verification.run());
    piece("one RSA-OAEP encryption", || encryption.run());
    piece("one RS256 signature", || signature.run());
}

fn of_library(bench: &Bench) {
    let request = bench.request();
    let token = bench.token(&request);
    piece("request read, and whom its token says it is of", || {
        let request = bench.request();
        Authority::claimed_by(request.target()).unwrap()
    });
    piece("token verified, its RS256 verification included", || bench.token(&request));
    piece("SHA-256 of its claims, for the trail", || token.claims_sha256());
    let policy = bench.version.policy_at(bench.at).unwrap().policy();
    piece("policy evaluated", || policy.is_met_by(&token));
    piece("wrapping key chosen and read", || WrappingKey::choose(&token).unwrap());
    piece("key unwrapped under the master key", || bench.unwrap());
    piece("policy, wrapping key, RSA-OAEP, AES-KWP, answer and its RS256 signature", || {
        bench.seal(&token, &request)
    });
    piece("a policy and a public key read, which is kept", || {
        let spki = bench.material.public_key().unwrap().spki_der();
        let policy = PolicyEnvelope::parse(&bench.envelope, Operators::All).unwrap();
        (policy, PublicKey::from_spki(spki).unwrap())
    });
}

async fn of_hand_over() {
    let work = WorkPool::start(WorkLimits::default()).unwrap();
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let source = Source::new(address, 1, Arc::new(Spent::new(1)));
    let nothing = async || work.run(source.clone(), || Ok::<(), Fault>(())).await.unwrap();
    piece_of_two("work handed over to another thread, and back", nothing).await;
}

async fn of_database(bench: &Bench) {
    let rows = BareRows::open(":memory:").await.unwrap();
    let row = async || rows.write(VERSION).await.unwrap();
    piece_of_two("SQLite: one row written, without a transaction around it", row).await;
    let store = Store::memory().await.unwrap();
    let actor = Actor::new(ActorKind::Application, "bench").unwrap();
    let edit = Edit::new(&actor, bench.at);
    let key = kept(bench, &store, &edit).await;
    let read = async || store.vault_key(NAME, None).await.unwrap();
    piece_of_two("SQLite: the key's record read, which is kept", read).await;
    let one = async || store.sequence().await.unwrap();
    piece_of_two("SQLite: one row of one column read", one).await;
    let details = json!({"name": NAME, "version": VERSION, "claimsSha256": "0".repeat(64)});
    let release = VaultRelease {
        key: &key,
        is_current: true,
        details: &details,
        token_use: None,
        provider: None,
    };
    let record = async || store.record_vault_release(&release, &edit).await.unwrap();
    piece_of_two("SQLite: the release written down, and read back", record).await;
}

async fn kept(bench: &Bench, store: &Store, edit: &Edit<'_>) -> VaultKey {
    let settings = VaultKeySettings {
        is_enabled: true,
        not_before: None,
        expires_at: None,
        operations: json!(bench.version.operations).to_string(),
        tags: "{}".to_owned(),
        release_policy: Some(VaultKeyPolicy {
            envelope: bench.envelope.to_string(),
            is_immutable: false,
        }),
    };
    let new = NewVaultKey {
        name: NAME,
        version: VERSION,
        key_type: VaultKeyType::Rsa,
        is_hsm: false,
        is_exportable: true,
        public_key: bench.material.public_key().map(PublicKey::spki_der),
        wrapped_material: &bench.wrapped,
        wrapping_key: bench.master.first().name(),
        settings: &settings,
    };
    store.add_vault_key(&new, edit).await.unwrap()
}

/// A piece that one thread does.
fn piece<T>(name: &str, mut run: impl FnMut() -> T) {
    let mut found: Vec<f64> = (0..BATCHES)
        .map(|_| {
            let begun = Instant::now();
            (0..RUNS).for_each(|_| drop(std::hint::black_box(run())));
            begun.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS)
        })
        .collect();
    println!("| {name} | {:.1} |", median(&mut found));
}

/// A piece that another thread has a part in: what all threads of this process took.
async fn piece_of_two<T>(name: &str, run: impl AsyncFn() -> T) {
    let mut found = Vec::new();
    for _ in 0..BATCHES {
        let before = cpu_us_of(std::process::id());
        for _ in 0..RUNS {
            std::hint::black_box(run().await);
        }
        found.push((cpu_us_of(std::process::id()) - before) / f64::from(RUNS));
    }
    println!("| {name} | {:.1} |", median(&mut found));
}
