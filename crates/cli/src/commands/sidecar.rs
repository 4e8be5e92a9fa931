//! `avouch sidecar`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use avouch_wire::base64url;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use clap::Args;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::serve::runtime;
use crate::client::Stop;
use crate::failure::{Failure, Verdict, read_text};
use crate::guest::{GuestOptions, KeyRequest};
use crate::{output, setup};

/// Largest request, in bytes.
const REQUEST_BYTES_MAX: usize = 256 * 1024;
/// Requests that are worked on at once: each makes a key, and asks two services.
const AT_ONCE: usize = 8;

/// Attest this guest and get keys for its programs, in the words of Microsoft's confidential sidecar.
///
/// Serves `/status`, `/attest/raw`, `/attest/combined`, `/attest/maa` and `/key/release` over plain HTTP
/// on loopback. Whoever can reach it is this guest, and gets what this guest gets.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  \
    avouch sidecar --token-file vault-token &\n  \
    curl -d '{\"maa_endpoint\":\"attest.example.org\",\"akv_endpoint\":\"vault.example.org\",\"kid\":\"disk\"}' \\\n       \
    http://localhost:8080/key/release")]
pub(crate) struct SidecarArgs {
    /// Address to listen on, of loopback; port 0 takes any free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// A file with the bearer token for vaults, for requests without `access_token`.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    guest: GuestOptions,
}

/// What requests share.
struct Sidecar {
    guest: GuestOptions,
    token: Option<String>,
    at_once: Semaphore,
}

/// Why a request has no answer: what it is to blame for, or what it was refused.
enum Refused {
    Request(String),
    Forbidden(String),
    Busy,
}

impl From<Stop> for Refused {
    fn from(stop: Stop) -> Self {
        Self::Forbidden(stop.into_failure().to_string())
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Forbidden(failure.to_string())
    }
}

/// What answers one kind of request, on a thread of its own.
type Answers = fn(&Sidecar, &Map<String, Value>) -> Result<Value, Refused>;

pub(crate) fn run(args: SidecarArgs) -> Result<Verdict, Failure> {
    if !args.listen.ip().is_loopback() {
        let text = format!(
            "{} is not of loopback: whoever reaches it gets this guest's keys",
            args.listen
        );
        return Err(Failure::Other(text));
    }
    let token = args.token_file.as_deref().map(read_text).transpose()?;
    let token = token.map(|token| token.trim().to_owned());
    let at_once = Semaphore::new(AT_ONCE);
    let sidecar = Arc::new(Sidecar { guest: args.guest, token, at_once });
    runtime()?.block_on(serve(args.listen, sidecar))
}

async fn serve(listen: SocketAddr, sidecar: Arc<Sidecar>) -> Result<Verdict, Failure> {
    let failed = |error| Failure::Other(format!("cannot listen on {listen}: {error}"));
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let stop = setup::stop_signal();
    output::line(&format!("http://{address}"))?;
    let router = Router::new()
        .route(
            "/status",
            get(|| async { answer(StatusCode::OK, &json!({"message": "Status OK"})) }),
        )
        .route("/attest/raw", work(raw))
        .route("/attest/combined", work(combined))
        .route("/attest/maa", work(maa))
        .route("/key/release", work(release))
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .with_state(sidecar);
    axum::serve(listener, router).with_graceful_shutdown(stop).await.map_err(Failure::other)?;
    Ok(Verdict::Yes)
}

fn work(answers: Answers) -> axum::routing::MethodRouter<Arc<Sidecar>> {
    post(move |State(sidecar): State<Arc<Sidecar>>, body: Bytes| async move {
        match worked(sidecar, body, answers).await {
            Ok(body) => answer(StatusCode::OK, &body),
            Err(Refused::Request(text)) => refusal(StatusCode::BAD_REQUEST, &text),
            Err(Refused::Forbidden(text)) => refusal(StatusCode::FORBIDDEN, &text),
            Err(Refused::Busy) => {
                refusal(StatusCode::TOO_MANY_REQUESTS, "the sidecar is busy; try again later")
            }
        }
    })
}

async fn worked(sidecar: Arc<Sidecar>, body: Bytes, answers: Answers) -> Result<Value, Refused> {
    let members: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|error| Refused::Request(format!("the body is no JSON object: {error}")))?;
    let holder = Arc::clone(&sidecar);
    let _permit = holder.at_once.try_acquire().map_err(|_| Refused::Busy)?;
    let done = tokio::task::spawn_blocking(move || answers(&sidecar, &members)).await;
    done.unwrap_or_else(|_| {
        Err(Refused::Forbidden("the request could not be completed".to_owned()))
    })
}

fn raw(sidecar: &Sidecar, members: &Map<String, Value>) -> Result<Value, Refused> {
    let quoted = sidecar.guest.quote(&runtime_data(members)?)?;
    Ok(json!({ "report": avouch_wire::encode_hex(&quoted.report) }))
}

fn combined(sidecar: &Sidecar, members: &Map<String, Value>) -> Result<Value, Refused> {
    let quoted = sidecar.guest.quote(&runtime_data(members)?)?;
    let certificates = quoted.certificates.as_deref().unwrap_or_default();
    Ok(json!({
        "evidence": base64url::encode_standard(&quoted.report),
        "endorsements": base64url::encode_standard(certificates),
        "uvm_endorsements": "",
        "endorsed_tcb": quoted.reported_tcb(),
    }))
}

fn maa(sidecar: &Sidecar, members: &Map<String, Value>) -> Result<Value, Refused> {
    let provider = endpoint(members, "maa_endpoint")?;
    let token = sidecar.guest.token(&provider, &runtime_data(members)?)?;
    Ok(json!({ "token": token }))
}

fn release(sidecar: &Sidecar, members: &Map<String, Value>) -> Result<Value, Refused> {
    let given = members.get("access_token").and_then(Value::as_str).map(str::to_owned);
    let token = given.or_else(|| sidecar.token.clone()).ok_or_else(|| {
        Refused::Request("access_token is missing, and the sidecar has no --token-file".to_owned())
    })?;
    let request = KeyRequest {
        attest: endpoint(members, "maa_endpoint")?,
        vault: endpoint(members, "akv_endpoint")?,
        kid: kid(members)?,
        token,
    };
    let key = sidecar.guest.key(&request)?;
    let jwk = key.to_private_jwk().map_err(Failure::other)?;
    Ok(json!({ "key": Value::Object(jwk).to_string() }))
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refused> {
    members
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Refused::Request(format!("{name} is missing")))
}

fn runtime_data(members: &Map<String, Value>) -> Result<Vec<u8>, Refused> {
    base64url::decode_standard(text(members, "runtime_data")?)
        .map_err(|error| Refused::Request(format!("runtime_data: {error}")))
}

/// The URL of a host that is named without its scheme.
fn endpoint(members: &Map<String, Value>, name: &str) -> Result<String, Refused> {
    let host = text(members, name)?.trim_end_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/[]".contains(&byte);
    if host.contains("//") || !host.bytes().all(is_plain) {
        return Err(Refused::Request(format!("{name} is no host")));
    }
    Ok(format!("https://{host}"))
}

/// A name, or a name and a version.
fn kid(members: &Map<String, Value>) -> Result<String, Refused> {
    let kid = text(members, "kid")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/');
    if !kid.bytes().all(is_plain) || kid.split('/').count() > 2 {
        return Err(Refused::Request("kid is no name of a key".to_owned()));
    }
    Ok(kid.to_owned())
}

fn refusal(status: StatusCode, text: &str) -> Response {
    answer(status, &json!({ "error": text }))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let head = [(CONTENT_TYPE, "application/json; charset=utf-8")];
    (status, head, body.to_string()).into_response()
}
