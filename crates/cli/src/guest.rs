//! A confidential guest as a client: it attests itself, and has a key released to it.

mod answer;
mod evidence;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use avouch_pki::digest;
use avouch_release::{KeyMaterial, SignedAnswer, UnwrappingKey, WrapAlgorithm};
use avouch_tee::{SnpQuote, TeeWorker};
use avouch_token::{KeySpec, Signer as _, SigningKey, public_jwk_members};
use avouch_wire::{FailedCheck as _, Hex, base64url};
use aws_lc_rs::rand;
use clap::Args;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::{Map, Value, json};

use crate::client::{Answer, Http, Refusal, Request, Stop};
use crate::failure::Failure;

/// As the confidential sidecar asks.
const ATTEST: &str = "/attest/SevSnpVM?api-version=2020-10-01";
const RELEASE_VERSION: &str = "7.4";
/// How answers are wrapped: the hash is SHA-256.
const ALGORITHM: WrapAlgorithm = WrapAlgorithm::RsaAesSha256;
const REPORT_DATA_BYTES: usize = 64;

/// Where this guest's evidence comes from, and whom it trusts.
#[derive(Debug, Clone, Args)]
pub(crate) struct GuestOptions {
    /// Where Linux gives attestation reports (configfs-TSM); a folder with `inblob` is taken as an entry
    /// that is there already.
    #[arg(long, value_name = "DIR", default_value = "/sys/kernel/config/tsm/report")]
    tsm: PathBuf,
    /// For tests: mint the evidence, which nothing accepts that does not trust the mint's root.
    #[arg(long, conflicts_with = "tsm")]
    minted: bool,
    /// The measurement of a guest that is minted, 96 hex digits.
    #[arg(long, value_name = "HEX", value_parser = Hex::<48>::from_hex, requires = "minted")]
    measurement: Option<Hex<48>>,
    /// Trust the CAs in this file (PEM) and no others, for services and for signatures of vaults
    /// [default: the system's].
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Reach a host at this address, as curl does: there may be no DNS yet. May be repeated.
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    resolve: Vec<Resolve>,
    /// Asks the kernel.
    #[arg(skip)]
    asks: Arc<OnceLock<TeeWorker>>,
}

/// A name and where it is.
#[derive(Debug, Clone)]
pub(crate) struct Resolve {
    pub(crate) host: String,
    pub(crate) address: SocketAddr,
}

impl FromStr for Resolve {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, ':');
        let (Some(host), Some(port), Some(address)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err("HOST:PORT:ADDRESS is expected".to_owned());
        };
        let port: u16 = port.parse().map_err(|_| format!("{port} is no port"))?;
        let address = address.trim_start_matches('[').trim_end_matches(']');
        let address = address.parse().map_err(|_| format!("{address} is no address"))?;
        Ok(Self { host: host.to_owned(), address: SocketAddr::new(address, port) })
    }
}

/// Which key, from whom, and by whose word. A secret is in it, so it cannot be printed.
#[derive(Clone)]
pub(crate) struct KeyRequest {
    /// URL of the attestation provider.
    pub(crate) attest: String,
    /// URL of the vault.
    pub(crate) vault: String,
    /// Name, or name and version.
    pub(crate) kid: String,
    /// Bearer token for the vault.
    pub(crate) token: String,
}

impl GuestOptions {
    fn http(&self) -> Result<Http, Failure> {
        Http::resolving(self.ca.as_deref(), &self.resolve)
    }

    /// Evidence that binds these bytes: their SHA-256, and zeros.
    pub(crate) fn quote(&self, runtime_data: &[u8]) -> Result<SnpQuote, Failure> {
        let mut report_data = [0; REPORT_DATA_BYTES];
        let digest = digest::sha256(runtime_data);
        report_data.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
        if self.minted {
            return evidence::minted(runtime_data, &report_data, self.measurement.as_ref());
        }
        evidence::of_tsm(&self.asks, &self.tsm, &report_data)
    }

    /// The token of a provider for evidence that binds these bytes.
    ///
    /// # Errors
    /// The provider's refusal, or why there is no answer.
    pub(crate) fn token(&self, provider: &str, runtime_data: &[u8]) -> Result<String, Stop> {
        let quoted = self.quote(runtime_data)?;
        let is_json = serde_json::from_slice::<Map<String, Value>>(runtime_data).is_ok();
        let body = json!({
            "report": quoted.maa_report(),
            "runtimeData": {
                "data": base64url::encode(runtime_data),
                "dataType": if is_json { "JSON" } else { "Binary" },
            },
        });
        let answer = self.send(&format!("{provider}{ATTEST}"), None, &body)?;
        text(&answer, "token")
    }

    /// A key, released to this guest alone.
    ///
    /// # Errors
    /// The refusal of the provider or the vault, or why there is no answer.
    pub(crate) fn key(&self, request: &KeyRequest) -> Result<KeyMaterial, Stop> {
        let workload = SigningKey::generate(KeySpec::Rsa2048).map_err(Failure::other)?;
        let private = workload.to_pkcs8_der().map_err(Failure::other)?;
        let private = UnwrappingKey::from_pkcs8_der(&private).map_err(Failure::other)?;
        let target = self.token(&request.attest, runtime_data(&workload).as_bytes())?;
        let nonce = nonce()?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", request.token))
            .map_err(|_| Failure::Other("the token does not go into a header".to_owned()))?;
        bearer.set_sensitive(true);
        let url =
            format!("{}/keys/{}/release?api-version={RELEASE_VERSION}", request.vault, request.kid);
        let body = json!({"target": target, "nonce": nonce, "enc": ALGORITHM.name()});
        let answer = self.send(&url, Some(&bearer), &body)?;
        let invalid = |check, message: String| Refusal::invalid_answer(check, message);
        let signed = SignedAnswer::verify(&text(&answer, "value")?)
            .map_err(|error| invalid(error.check(), error.to_string()))?;
        answer::check_signer(&signed, &request.vault, self.ca.as_deref())?;
        let opened = signed.open(&private, &nonce, &request.kid);
        Ok(opened.map_err(|error| invalid(error.check(), error.to_string()))?)
    }

    fn send(&self, url: &str, bearer: Option<&HeaderValue>, body: &Value) -> Result<Answer, Stop> {
        let answer = self.http()?.send(Request {
            method: Method::POST,
            url: url.to_owned(),
            bearer,
            content_type: "application/json",
            body: Some(body.to_string()),
        })?;
        if answer.status.is_success() { Ok(answer) } else { Err(Refusal::of_answer(&answer)) }
    }
}

/// The set with the workload's one key, which may encrypt.
fn runtime_data(workload: &SigningKey) -> String {
    let mut jwk: Map<String, Value> = public_jwk_members(workload.public_key())
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    jwk.insert("kid".to_owned(), workload.kid().into());
    jwk.insert("key_ops".to_owned(), json!(["encrypt"]));
    json!({ "keys": [jwk] }).to_string()
}

fn nonce() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(Failure::other)?;
    Ok(base64url::encode(bytes))
}

/// A text in the JSON of an answer.
fn text(answer: &Answer, name: &'static str) -> Result<String, Stop> {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let text = body.as_ref().and_then(|body| body.get(name)?.as_str());
    text.map(str::to_owned).ok_or_else(|| {
        let message = format!("{}: the answer has no {name}", answer.url);
        Refusal::invalid_answer("answer-form", message).into()
    })
}
