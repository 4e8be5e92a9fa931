//! Child processes: the service, a bare TLS JSON echo, that echo with the cryptography that an
//! attest request cannot avoid, and that with all else it cannot avoid.
#![allow(dead_code, reason = "each benchmark uses a part")]

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use avouch_endorsements::EndorsementSet;
use avouch_engine::Anchors;
use avouch_server::config::{AppraisalConfig, LimitsConfig};
use avouch_server::{
    Access, AppState, AtHand, Clock, Cloud, Config, DevelopmentCa, Limits, ProviderUrls, Providers,
    ProvidersOptions, Server, SigningKeys, Vault, WorkPool, signing_key, vault,
};
use avouch_store::Store;
use avouch_store::testing::{BareRows, resident_bytes};
use avouch_token::{KeySpec, SigningKey};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::{Client, Method};
use tokio::sync::oneshot;

use crate::primitives::{ES256, Encryption, Signature, TokenVerification, Verification, Wire};

/// What a child does.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// The service; a word says where its database is, a second one by which algorithm it signs.
    Attest,
    /// The service with a vault under [`VAULT_HOST`]; a word says where its database is.
    Vault,
    /// TLS and JSON, nothing else; a word says how long its answers are.
    Echo,
    /// The same, with one P-256 verification and one signature before each answer; a second word
    /// says by which algorithm.
    EchoWithCrypto,
    /// The same on another thread, as a service does that goes on answering meanwhile, and with what
    /// the wire asks for: the quote decoded and hashed, claims encoded.
    EchoWithThread,
    /// The echo with what a release cannot avoid, on another thread: one RS256 verification, one RSA-OAEP
    /// encryption, one RS256 signature. Where a word says where, one row is written to a database first.
    EchoWithRelease,
}

/// Where a service without state to keep has its database.
pub(crate) const IN_MEMORY: &str = ":memory:";
/// The host of the vault.
pub(crate) const VAULT_HOST: &str = "vault.localhost";
/// What an entry of an audit trail says, about.
const DETAILS: &str = concat!(
    r#"{"authority":"https://localhost:40000","claimsSha256":"0123456789abcdef0123456789abcdef"#,
    r#"0123456789abcdef0123456789abcdef","enc":"RSA_AES_KEY_WRAP_256","name":"disk","version":"#,
    r#""0123456789abcdef0123456789abcdef"}"#
);
const ATTEST: &str = "/attest/SgxEnclave?api-version=2020-10-01";

impl Role {
    const fn word(self) -> &'static str {
        match self {
            Self::Attest => "--child-attest",
            Self::Vault => "--child-vault",
            Self::Echo => "--child-echo",
            Self::EchoWithCrypto => "--child-echo-with-crypto",
            Self::EchoWithThread => "--child-echo-with-thread",
            Self::EchoWithRelease => "--child-echo-with-release",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        let all = [
            Self::Attest,
            Self::Vault,
            Self::Echo,
            Self::EchoWithCrypto,
            Self::EchoWithThread,
            Self::EchoWithRelease,
        ];
        all.into_iter().find(|role| role.word() == word)
    }
}

/// A running child that ends with its handle.
pub(crate) struct Child {
    process: std::process::Child,
    client: Client,
    url: String,
    /// What it said when it could answer, behind its port.
    pub(crate) said: String,
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Child {
    pub(crate) async fn start(role: Role, folder: &Path, words: &[String]) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut process = std::process::Command::new(std::env::current_exe().unwrap())
            .arg(role.word())
            .arg(folder)
            .args(words)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (port, said) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let (url, said) = (format!("https://localhost:{port}"), said.to_owned());
        let ca = std::fs::read(folder.join("tls/ca.pem")).unwrap();
        let ca = reqwest::Certificate::from_pem(&ca).unwrap();
        let client =
            Client::builder().tls_certs_only([ca]).no_proxy().http1_only().build().unwrap();
        Self { process, client, url, said }
    }

    pub(crate) async fn post(&self, body: &str) -> Vec<u8> {
        self.send(Method::POST, ATTEST, body).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &str) -> Vec<u8> {
        self.send_to("localhost", method, path, body).await
    }

    /// The same to the service under another of its hosts.
    pub(crate) async fn send_to(
        &self,
        host: &str,
        method: Method,
        path: &str,
        body: &str,
    ) -> Vec<u8> {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = request.header(reqwest::header::HOST, host).bearer_auth("benchmark");
        let answer = request.body(body.to_owned()).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        answer.bytes().await.unwrap().to_vec()
    }

    /// CPU time of the child for `requests` requests one after the other, in microseconds each.
    pub(crate) async fn cpu_us_per_request(&self, body: &str, requests: u32) -> f64 {
        self.cpu_us_at(body, requests, |_| ATTEST.to_owned()).await
    }

    /// The same for requests to the path that a number has.
    pub(crate) async fn cpu_us_at(
        &self,
        body: &str,
        requests: u32,
        path: impl Fn(u32) -> String,
    ) -> f64 {
        let before = self.cpu_us();
        for number in 0..requests {
            self.send(Method::POST, &path(number), body).await;
        }
        (self.cpu_us() - before) / f64::from(requests)
    }

    /// CPU time of the child for `requests` requests to its vault, or whatever answers in its place, by so
    /// many clients at once.
    pub(crate) async fn cpu_us_of_vault(
        &self,
        path: &str,
        body: &str,
        requests: u32,
        clients: u32,
    ) -> f64 {
        let before = self.cpu_us();
        let client = async |_| {
            for _ in 0..requests / clients {
                self.send_to(VAULT_HOST, Method::POST, path, body).await;
            }
        };
        futures_util::future::join_all((0..clients).map(client)).await;
        (self.cpu_us() - before) / f64::from(requests / clients * clients)
    }

    /// URL of the service.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Nanoseconds that the child's threads ran, from the scheduler, as microseconds.
    fn cpu_us(&self) -> f64 {
        cpu_us_of(self.process.id())
    }
}

/// The same of any process.
pub(crate) fn cpu_us_of(process: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let nanoseconds: f64 = threads
        .filter_map(|thread| {
            let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<f64>().ok()
        })
        .sum();
    nanoseconds / 1000.0
}

/// The life of a child: one worker thread, as one core of a server has.
pub(crate) fn run(role: Role, words: &[String]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = Path::new(&words[0]);
    runtime.block_on(async {
        match role {
            Role::Attest => attest(folder, &words[1], algorithm(words), false).await,
            Role::Vault => attest(folder, &words[1], algorithm(words), true).await,
            Role::Echo => echo(folder, words[1].parse().unwrap(), Work::None, None).await,
            Role::EchoWithCrypto => {
                let work = Work::Here(Box::new(crypto(algorithm(words))));
                echo(folder, words[1].parse().unwrap(), work, None).await;
            }
            Role::EchoWithThread => {
                let (wire, crypto) = (Wire::new(), crypto(algorithm(words)));
                let work = Work::on_thread(move || {
                    wire.run();
                    crypto();
                });
                echo(folder, words[1].parse().unwrap(), work, None).await;
            }
            Role::EchoWithRelease => {
                let verification = TokenVerification::new();
                let (encryption, signature) = (Encryption::new(), Signature::rs256());
                let work = move || {
                    verification.run();
                    encryption.run();
                    signature.run();
                };
                let rows = match words.get(2) {
                    Some(location) => Some(BareRows::open(location).await.unwrap()),
                    None => None,
                };
                echo(folder, words[1].parse().unwrap(), Work::on_thread(work), rows).await;
            }
        }
    });
}

/// The algorithm that tokens are signed by: RS256, or another one that the words name.
fn algorithm(words: &[String]) -> &str {
    words.get(2).map_or("RS256", String::as_str)
}

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn attest(folder: &Path, database: &str, algorithm: &str, with_vault: bool) {
    let started = Instant::now();
    let root = std::fs::read(folder.join("root.pem")).unwrap();
    let anchors = Anchors::built_in().with_pem(&root).unwrap();
    let mut endorsements = EndorsementSet::default();
    let names = ["endorsements.json", "endorsements.pem"].map(|name| folder.join(name));
    let name = names.iter().find(|name| name.exists()).unwrap();
    endorsements.add(&std::fs::read(name).unwrap()).unwrap();
    let at_hand = Arc::new(AtHand::of_files(endorsements));
    let engine = at_hand.engine(anchors, LimitsConfig::default().remembered_bytes_max);
    let ca = DevelopmentCa::open(&folder.join("tls")).unwrap();
    let tls = ca.server_config(&[]).unwrap();
    let server = Server::bind(LISTEN, Some(tls), Limits::default()).await.unwrap();
    let port = server.address().port();
    let url = format!("https://localhost:{port}");
    let key = match algorithm {
        ES256 => SigningKey::generate(KeySpec::P256).unwrap(),
        _ => signing_key::open(&folder.join("keys")).unwrap(),
    };
    let clock = Clock::system();
    let store = Store::open(database, clock.now()).await.unwrap();
    let limits = LimitsConfig::default();
    let urls = ProviderUrls::new(&url, None).unwrap();
    let vault = with_vault.then(|| vault_of(&ca, &urls));
    let options = ProvidersOptions {
        urls,
        keys: SigningKeys::of_file(key, &store).await.unwrap(),
        appraisal: AppraisalConfig::default(),
        policy_bytes_max: limits.policy_bytes_max,
        ready_max: limits.providers_ready_max,
        served_without_seconds_max: 3600,
        ready_bytes_max: limits.providers_ready_bytes_max,
        signed_requests_once: false,
    };
    let resident_before = resident_bytes().unwrap();
    let providers = Providers::open(store, options, clock.now()).await.unwrap();
    let access = Access::AnyBearerIsAdministrator;
    let work = WorkPool::start(limits.work()).unwrap();
    let state = AppState::new(engine, at_hand, clock, providers, access, work).with_vault(vault);
    let resident_bytes = resident_bytes().unwrap();
    println!(
        "{port} ready after {:.2} s, {} MB resident, {} MB of that for {} providers",
        started.elapsed().as_secs_f64(),
        resident_bytes / 1_000_000,
        resident_bytes.saturating_sub(resident_before) / 1_000_000,
        state.providers.count()
    );
    server.run(Arc::new(state), std::future::pending()).await;
}

/// A vault that releases as often as it is asked.
fn vault_of(ca: &DevelopmentCa, urls: &ProviderUrls) -> Vault {
    let mut config = Config::default();
    config.vault.host = Some(VAULT_HOST.to_owned());
    config.vault.releases_per_minute_max = u32::MAX;
    let cloud = Cloud::new(&config.cloud, &config.auth, urls);
    let signer = vault::development_signer(ca, VAULT_HOST).unwrap();
    Vault::new(&config.vault, urls, &cloud, signer).unwrap().unwrap()
}

/// One verification and one signature.
fn crypto(algorithm: &str) -> impl Fn() + Send + Sync + use<> {
    let (verification, signature) = (Verification::new(), Signature::of(algorithm));
    move || {
        verification.run();
        signature.run();
    }
}

/// What an echo does before it answers.
enum Work {
    None,
    Here(Box<dyn Fn() + Send + Sync>),
    /// Done by who receives this.
    Elsewhere(mpsc::Sender<oneshot::Sender<()>>),
}

impl Work {
    fn on_thread(work: impl Fn() + Send + 'static) -> Self {
        let (ask, asked) = mpsc::channel::<oneshot::Sender<()>>();
        std::thread::spawn(move || {
            for done in asked {
                work();
                let _ = done.send(());
            }
        });
        Self::Elsewhere(ask)
    }

    async fn run(&self) {
        match self {
            Self::None => {}
            Self::Here(work) => work(),
            Self::Elsewhere(ask) => {
                let (done, finished) = oneshot::channel();
                ask.send(done).unwrap();
                finished.await.unwrap();
            }
        }
    }
}

/// TLS, HTTP, JSON in, `work`, a row if there is a place for it, JSON out, nothing else.
async fn echo(folder: &Path, answer_bytes: usize, work: Work, rows: Option<BareRows>) {
    let work = Arc::new((work, rows));
    let ca = DevelopmentCa::open(&folder.join("tls")).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(ca.server_config(&[]).unwrap());
    let listener = tokio::net::TcpListener::bind(LISTEN).await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (acceptor, work) = (acceptor.clone(), Arc::clone(&work));
        tokio::spawn(async move {
            let stream = acceptor.accept(stream).await.unwrap();
            let service = service_fn(move |request: Request<Incoming>| {
                let work = Arc::clone(&work);
                async move {
                    let body = request.into_body().collect().await?.to_bytes();
                    let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
                    let (work, rows) = &*work;
                    work.run().await;
                    if let Some(rows) = rows {
                        rows.write(DETAILS).await.unwrap();
                    }
                    let text = json["quote"].as_str().or(json["target"].as_str()).unwrap();
                    let token = text.get(..answer_bytes.saturating_sub(12)).unwrap_or(text);
                    let answer = serde_json::json!({ "token": token }).to_string();
                    let mut response = Response::new(Full::new(Bytes::from(answer)));
                    let json = hyper::header::HeaderValue::from_static("application/json");
                    response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
                    Ok::<_, hyper::Error>(response)
                }
            });
            let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
