//! A service of its own for each test, on loopback.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use avouch_endorsements::EndorsementSet;
use avouch_engine::{Anchors, AppraisalSettings, Engine, EvidenceKind};
use avouch_mint::{Kind, Minted};
use avouch_server::state::Access;
use avouch_server::{
    AppState, Clock, DevelopmentCa, Limits, Provider, Providers, Server, signing_key,
};
use avouch_token::{Expectations, Jwks, provider_certificate, verify_token};
use avouch_wire::UnixTime;
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, StatusCode};
use serde_json::{Map, Value};

pub(crate) fn now() -> UnixTime {
    Clock::system().now()
}

pub(crate) fn kind_of(kind: Kind) -> EvidenceKind {
    kind.name().parse().unwrap()
}

pub(crate) struct Running {
    pub(crate) url: String,
    client: Client,
    ca: Vec<u8>,
    _data: tempfile::TempDir,
}

impl Running {
    /// A service without endorsements.
    pub(crate) async fn start() -> Self {
        Self::serve(Anchors::built_in(), EndorsementSet::default()).await
    }

    /// A service that trusts the root of minted evidence and has its endorsements.
    pub(crate) async fn start_for(minted: &Minted) -> Self {
        let anchors = Anchors::built_in().with_pem(minted.root_pem.as_bytes()).unwrap();
        let mut endorsements = EndorsementSet::default();
        endorsements.add(&minted.endorsements).unwrap();
        Self::serve(anchors, endorsements).await
    }

    async fn serve(anchors: Anchors, endorsements: EndorsementSet) -> Self {
        // The first provider installed stays; there is only one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let data = tempfile::tempdir().unwrap();
        let ca = DevelopmentCa::open(&data.path().join("tls")).unwrap();
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let tls = ca.server_config(&[]).unwrap();
        let server = Server::bind(listen, Some(tls), Limits::default()).await.unwrap();
        let url = format!("https://localhost:{}", server.address().port());
        let key = Arc::new(signing_key::open(&data.path().join("keys")).unwrap());
        let certificate = provider_certificate(key.as_ref(), &url, None).unwrap();
        let settings = AppraisalSettings::default();
        let provider = Provider::with_default_policies(&url, key, &certificate, settings).unwrap();
        let engine = Engine::new(anchors, Arc::new(endorsements));
        let access = Access::AnyBearerIsAdministrator;
        let state = AppState::new(engine, Clock::system(), Providers::only(provider), access);
        tokio::spawn(server.run(Arc::new(state), std::future::pending()));
        let ca = std::fs::read(ca.certificate_path()).unwrap();
        let client = trusting(&ca, |builder| builder);
        Self { url, client, ca, _data: data }
    }

    pub(crate) fn client(&self, with: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
        trusting(&self.ca, with)
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
}

fn trusting(ca: &[u8], with: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Client {
    let certificate = reqwest::Certificate::from_pem(ca).unwrap();
    with(Client::builder().tls_certs_only([certificate]).no_proxy()).build().unwrap()
}
