//! Child processes: the service, and a bare TLS JSON echo.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use avouch_endorsements::EndorsementSet;
use avouch_engine::{Anchors, Engine};
use avouch_server::config::AppraisalConfig;
use avouch_server::{
    Access, AppState, Clock, DevelopmentCa, Limits, ProviderUrls, Providers, ProvidersOptions,
    Server, signing_key,
};
use avouch_store::Store;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use reqwest::Client;

/// What a child does.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    Attest,
    Echo,
}

impl Role {
    const fn word(self) -> &'static str {
        match self {
            Self::Attest => "--child-attest",
            Self::Echo => "--child-echo",
        }
    }

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Attest, Self::Echo].into_iter().find(|role| role.word() == word)
    }
}

/// A running child that ends with its handle.
pub(crate) struct Child {
    process: std::process::Child,
    client: Client,
    url: String,
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
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let url =
            format!("https://localhost:{}/attest/SgxEnclave?api-version=2020-10-01", port.trim());
        let ca = std::fs::read(folder.join("tls/ca.pem")).unwrap();
        let ca = reqwest::Certificate::from_pem(&ca).unwrap();
        let client =
            Client::builder().tls_certs_only([ca]).no_proxy().http1_only().build().unwrap();
        Self { process, client, url }
    }

    pub(crate) async fn post(&self, body: &str) -> Vec<u8> {
        let answer = self.client.post(&self.url).body(body.to_owned()).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        answer.bytes().await.unwrap().to_vec()
    }

    /// CPU time of the child for `requests` requests one after the other, in microseconds each.
    pub(crate) async fn cpu_us_per_request(&self, body: &str, requests: u32) -> f64 {
        let before = self.cpu_us();
        for _ in 0..requests {
            self.post(body).await;
        }
        (self.cpu_us() - before) / f64::from(requests)
    }

    /// Nanoseconds that the child's threads ran, from the scheduler, as microseconds.
    fn cpu_us(&self) -> f64 {
        let tasks = format!("/proc/{}/task", self.process.id());
        let threads = std::fs::read_dir(tasks).unwrap();
        let nanoseconds: f64 = threads
            .filter_map(|thread| {
                let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
                text.split(' ').next()?.parse::<f64>().ok()
            })
            .sum();
        nanoseconds / 1000.0
    }
}

/// The life of a child: one worker thread, as one core of a server has.
pub(crate) fn run(role: Role, words: &[String]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = Path::new(&words[0]);
    runtime.block_on(async {
        match role {
            Role::Attest => attest(folder).await,
            Role::Echo => echo(folder, words[1].parse().unwrap()).await,
        }
    });
}

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn attest(folder: &Path) {
    let root = std::fs::read(folder.join("root.pem")).unwrap();
    let anchors = Anchors::built_in().with_pem(&root).unwrap();
    let mut endorsements = EndorsementSet::default();
    endorsements.add(&std::fs::read(folder.join("endorsements.json")).unwrap()).unwrap();
    let engine = Engine::new(anchors, Arc::new(endorsements));
    let ca = DevelopmentCa::open(&folder.join("tls")).unwrap();
    let tls = ca.server_config(&[]).unwrap();
    let server = Server::bind(LISTEN, Some(tls), Limits::default()).await.unwrap();
    let port = server.address().port();
    let url = format!("https://localhost:{port}");
    let key = Arc::new(signing_key::open(&folder.join("keys")).unwrap());
    let options = ProvidersOptions {
        urls: ProviderUrls::new(&url, None).unwrap(),
        signer: key,
        appraisal: AppraisalConfig::default(),
        policy_bytes_max: 1 << 20,
        ready_max: 10,
    };
    let clock = Clock::system();
    let store = Store::memory().await.unwrap();
    let providers = Providers::open(store, options, clock.now()).await.unwrap();
    let state = AppState::new(engine, clock, providers, Access::AnyBearerIsAdministrator);
    println!("{port}");
    server.run(Arc::new(state), std::future::pending()).await;
}

/// TLS, HTTP, JSON in, JSON out, nothing else.
async fn echo(folder: &Path, answer_bytes: usize) {
    let ca = DevelopmentCa::open(&folder.join("tls")).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(ca.server_config(&[]).unwrap());
    let listener = tokio::net::TcpListener::bind(LISTEN).await.unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let stream = acceptor.accept(stream).await.unwrap();
            let service = service_fn(move |request: Request<Incoming>| async move {
                let body = request.into_body().collect().await?.to_bytes();
                let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
                let text = json["quote"].as_str().unwrap();
                let token = text.get(..answer_bytes.saturating_sub(12)).unwrap_or(text);
                let answer = serde_json::json!({ "token": token }).to_string();
                let mut response = Response::new(Full::new(Bytes::from(answer)));
                let json = hyper::header::HeaderValue::from_static("application/json");
                response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
                Ok::<_, hyper::Error>(response)
            });
            let builder = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            let _ = builder.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
