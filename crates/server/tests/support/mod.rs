//! A service of its own for each test, on loopback.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod log;
pub(crate) mod oidc;
pub(crate) mod policy;
pub(crate) mod tokens;
pub(crate) mod watching;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use avouch_endorsements::EndorsementSet;
use avouch_engine::Anchors;
use avouch_mint::Minted;
use avouch_server::{
    Access, AppState, AtHand, Clock, Cloud, CollateralServer, Config, DevelopmentCa,
    EvidenceKeeper, Monitoring, ProviderUrls, Providers, ProvidersOptions, Server, SigningKeys,
    TlsFiles, TokenExchanges, TpmConversations, Vault, Webhook, WorkPool, server_config,
    signing_key, vault,
};
use avouch_store::Store;
use avouch_token::{Expectations, Jwks, verify_token};
use avouch_wire::UnixTime;
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, StatusCode};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Map, Value};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) fn now() -> UnixTime {
    Clock::system().now()
}

/// A recorded file, if recordings are there.
pub(crate) fn vector(path: &str) -> Option<Vec<u8>> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let root =
        std::env::var_os("AVOUCH_VECTORS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let path = root.join(path);
    if path.is_file() {
        return Some(std::fs::read(path).unwrap());
    }
    let required = std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_some();
    assert!(!required, "{} is missing", path.display());
    println!("skipped: {} is missing", path.display());
    None
}

pub(crate) struct Running {
    pub(crate) url: String,
    pub(crate) state: Arc<AppState>,
    client: Client,
    ca: Vec<u8>,
    _data: tempfile::TempDir,
    _fetching: Option<avouch_endorsements::Running>,
}

/// What all instances of a service know, and nobody else.
pub(crate) const SHARED_SECRET: &[u8] = b"a secret of all instances";

/// The host of a vault, where there is one.
pub(crate) const VAULT_HOST: &str = "vault.attest.localhost";

/// What a service is made from.
pub(crate) struct Setup {
    pub(crate) anchors: Anchors,
    pub(crate) endorsements: EndorsementSet,
    pub(crate) store: Store,
    pub(crate) access: Access,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    /// What is served to a site, and what it is served from.
    pub(crate) collateral: Option<CollateralServer>,
    /// An operator's TLS files and the CA that clients trust; a development CA without.
    pub(crate) tls: Option<(TlsFiles, Vec<u8>)>,
}

impl Setup {
    /// Built-in roots, a store in memory, an open door.
    pub(crate) async fn new() -> Self {
        Self {
            anchors: Anchors::built_in(),
            endorsements: EndorsementSet::default(),
            store: Store::memory().await.unwrap(),
            access: Access::AnyBearerIsAdministrator,
            config: Config::default(),
            clock: Clock::system(),
            collateral: None,
            tls: None,
        }
    }

    /// The same, trusting the root of minted evidence, with its endorsements.
    pub(crate) async fn for_minted(minted: &Minted) -> Self {
        let vendor = minted.root_vendor().map(|vendor| vendor.parse().unwrap());
        let mut anchors =
            Anchors::built_in().with_roots(vendor, minted.root_pem.as_bytes()).unwrap();
        for (vendor, _, pem) in minted.other_roots() {
            let vendor = vendor.map(|vendor| vendor.parse().unwrap());
            anchors = anchors.with_roots(vendor, pem).unwrap();
        }
        let mut endorsements = EndorsementSet::default();
        endorsements.add(&minted.endorsements).unwrap();
        Self { anchors, endorsements, ..Self::new().await }
    }

    pub(crate) async fn serve(self) -> Running {
        // The first provider installed stays; there is only one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut signer = None;
        let (tls, ca) = match &self.tls {
            Some((files, ca)) => (server_config(files).unwrap(), ca.clone()),
            None => {
                let ca = DevelopmentCa::open(&data.path().join("tls")).unwrap();
                let tls = ca.server_config(&["*.attest.localhost".to_owned()]).unwrap();
                let host = self.config.vault.host.as_deref();
                signer = host.map(|host| vault::development_signer(&ca, host).unwrap());
                (tls, std::fs::read(ca.certificate_path()).unwrap())
            }
        };
        let server = Server::bind(listen, Some(tls), self.config.limits.http()).await.unwrap();
        let url = format!("https://localhost:{}", server.address().port());
        let urls = ProviderUrls::new(&url, self.config.server.base_domain.as_deref()).unwrap();
        let cloud = Cloud::new(&self.config.cloud, &self.config.auth, &urls);
        let vault = signer
            .and_then(|signer| Vault::new(&self.config.vault, &urls, &cloud, signer).unwrap());
        let key = signing_key::open(&data.path().join("keys")).unwrap();
        let options = ProvidersOptions {
            urls,
            keys: SigningKeys::of_file(key, &self.store).await.unwrap(),
            appraisal: self.config.appraisal,
            policy_bytes_max: self.config.limits.policy_bytes_max,
            ready_max: self.config.limits.providers_ready_max,
            served_without_seconds_max: self.config.database.served_without_seconds_max,
            ready_bytes_max: self.config.limits.providers_ready_bytes_max,
            signed_requests_once: self.config.auth.signed_requests_once,
        };
        let evidence = EvidenceKeeper::start(&self.config.audit, self.store.clone(), self.clock);
        let monitored = &self.config.monitoring;
        let webhook = monitored.webhook.as_ref().map(|webhook| Webhook::new(webhook).unwrap());
        let monitoring = Monitoring::start(monitored, webhook, self.store.clone(), self.clock);
        let providers = Providers::open(self.store, options, now()).await.unwrap();
        let remembered = self.config.limits.remembered_bytes_max;
        let at_hand = Arc::new(AtHand::of_files(self.endorsements));
        let engine = at_hand.engine(self.anchors.clone(), remembered);
        let work = WorkPool::start(self.config.limits.work()).unwrap();
        let state = AppState::new(engine, at_hand, self.clock, providers, self.access, work)
            .with_private_networks(self.config.server.private_networks)
            .with_root_provider(self.config.server.root_provider)
            .with_cloud(cloud)
            .with_evidence(evidence)
            .with_monitoring(monitoring)
            .with_token_exchange(TokenExchanges::new(self.config.token_exchange))
            .with_tpm(TpmConversations::derived(SHARED_SECRET, self.config.tpm))
            .with_vault(vault)
            .with_collateral_server(self.collateral);
        let state = Arc::new(state);
        let (fetched, store) = (&self.config.endorsements, state.providers.store());
        let fetching =
            state.at_hand.start_fetching(fetched, true, self.anchors, &self.clock, store);
        let fetching = fetching.await.unwrap();
        tokio::spawn(server.run(Arc::clone(&state), std::future::pending()));
        let client = trusting(&ca, |builder| builder);
        Running { url, state, client, ca, _data: data, _fetching: fetching }
    }
}

impl Running {
    /// A service without endorsements.
    pub(crate) async fn start() -> Self {
        Self::serve(Anchors::built_in(), EndorsementSet::default()).await
    }

    /// A service that trusts the root of minted evidence and has its endorsements.
    pub(crate) async fn start_for(minted: &Minted) -> Self {
        Setup::for_minted(minted).await.serve().await
    }

    async fn serve(anchors: Anchors, endorsements: EndorsementSet) -> Self {
        let setup = Setup { anchors, endorsements, ..Setup::new().await };
        setup.serve().await
    }

    /// PEM of the CA that its clients trust.
    pub(crate) fn ca(&self) -> &[u8] {
        &self.ca
    }

    pub(crate) fn client(&self, with: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
        trusting(&self.ca, with)
    }

    /// The URL of its vault, and a client that finds it.
    pub(crate) fn vault(&self) -> (String, Client) {
        let url = format!("https://{VAULT_HOST}:{}", self.address().port());
        (url, self.client(|builder| builder.resolve(VAULT_HOST, self.address())))
    }

    /// A bare connection, for clients that do not behave.
    pub(crate) async fn tls_stream(&self, protocol: &str) -> TlsStream<TcpStream> {
        self.try_tls_stream(protocol, [127, 0, 0, 1]).await.unwrap()
    }

    /// A bare connection from an address, unless it is refused.
    pub(crate) async fn try_tls_stream(
        &self,
        protocol: &str,
        from: [u8; 4],
    ) -> Option<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&self.ca).unwrap()).unwrap();
        let mut config =
            ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        let stream = socket.connect(self.address()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        let port = self.url.strip_prefix("https://localhost:").unwrap().parse().unwrap();
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get_text(&self, path: &str) -> String {
        self.request(Method::GET, path).send().await.unwrap().text().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.get_text(path).await).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: String) -> (StatusCode, Value) {
        let answer = self.request(Method::POST, path).body(body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(crate) async fn attest_sgx(&self, body: &str) -> (StatusCode, Value) {
        self.post("/attest/SgxEnclave?api-version=2020-10-01", body.to_owned()).await
    }

    /// The claims of a token of this service, verified as a relying party does.
    pub(crate) async fn claims(&self, token: &str) -> Map<String, Value> {
        let keys = Jwks::parse(self.get_text("/certs").await.as_bytes()).unwrap();
        let mut expectations = Expectations::at(now());
        expectations.issuer = Some(self.url.clone());
        verify_token(token, &keys, &expectations).into_verified().unwrap().claims().clone()
    }

    /// The claims of a token of the named provider, verified under that provider's own keys.
    pub(crate) async fn claims_of(&self, provider: &str, token: &str) -> Map<String, Value> {
        let prefix = format!("/providers/{provider}");
        let keys = self.get_text(&format!("{prefix}/certs")).await;
        let keys = Jwks::parse(keys.as_bytes()).unwrap();
        let mut expectations = Expectations::at(now());
        expectations.issuer = Some(format!("{}{prefix}", self.url));
        verify_token(token, &keys, &expectations).into_verified().unwrap().claims().clone()
    }

    pub(crate) async fn status(&self, path: &str) -> u16 {
        self.request(Method::GET, path).send().await.unwrap().status().as_u16()
    }

    /// Sends a body with a bearer token.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        bearer: &str,
        body: impl Into<reqwest::Body>,
    ) -> (StatusCode, Value) {
        let request = self.request(method, path).bearer_auth(bearer).body(body);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }
}

fn trusting(ca: &[u8], with: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
    let certificate = reqwest::Certificate::from_pem(ca).unwrap();
    with(Client::builder().tls_certs_only([certificate]).no_proxy()).build().unwrap()
}
