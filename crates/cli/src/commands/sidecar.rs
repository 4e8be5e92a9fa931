//! `avouch sidecar`

mod connections;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use avouch_server::keys::hide_memory;
use avouch_wire::base64url;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use clap::{Args, value_parser};
use connections::Times;
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
/// Bodies that are read at once.
const READ_AT_ONCE: usize = 64;
/// The longest that work on a request may take, with the way of its answer, and that stopping may.
const WORKED_ON_WITHIN: Duration = Duration::from_secs(300);
const STOPS_WITHIN: Duration = Duration::from_secs(30);
/// Requests that are worked on at once: each makes a key, and asks two services.
const AT_ONCE: usize = 8;

/// Attest this guest and get keys for its programs, in the words of Microsoft's confidential sidecar.
///
/// Serves `/status`, `/attest/raw`, `/attest/combined`, `/attest/maa` and `/key/release` over plain HTTP
/// on loopback. Whoever can reach it is this guest, and gets what this guest gets: browsers that act for
/// other sites are refused. The bearer token goes to the vault that `--vault` names, and to no other.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  \
    avouch sidecar --token-file vault-token --vault vault.example.org &\n  \
    curl -d '{\"maa_endpoint\":\"attest.example.org\",\"akv_endpoint\":\"vault.example.org\",\"kid\":\"disk\"}' \\\n       \
    http://localhost:8080/key/release")]
pub(crate) struct SidecarArgs {
    /// Address to listen on, of loopback; port 0 takes any free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// A file with the bearer token for the vault, for requests without `access_token`.
    #[arg(long, value_name = "FILE", requires = "vault")]
    token_file: Option<PathBuf>,
    /// The vault that this token is for, as requests name it: HOST, or HOST:PORT.
    #[arg(long, value_name = "HOST", requires = "token_file")]
    vault: Option<String>,
    /// The longest that a connection may take to bring the head of a request, and then its body, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = value_parser!(u32).range(1..=3600))]
    request_seconds_max: u32,
    #[command(flatten)]
    guest: GuestOptions,
}

/// What requests share.
struct Sidecar {
    guest: GuestOptions,
    token: Option<VaultToken>,
    /// The longest that a body may take to arrive.
    body_timeout: Duration,
    read_at_once: Semaphore,
    at_once: Arc<Semaphore>,
}

/// A bearer token, and the URL of the only vault that gets it.
struct VaultToken {
    vault: String,
    token: String,
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
    hide_memory();
    let token = match (&args.token_file, &args.vault) {
        (Some(file), Some(vault)) => Some(VaultToken {
            vault: url_of(vault).ok_or_else(|| Failure::Other(format!("{vault} is no host")))?,
            token: read_text(file)?.trim().to_owned(),
        }),
        _ => None,
    };
    let sidecar = Arc::new(Sidecar {
        guest: args.guest,
        token,
        body_timeout: Duration::from_secs(args.request_seconds_max.into()),
        read_at_once: Semaphore::new(READ_AT_ONCE),
        at_once: Arc::new(Semaphore::new(AT_ONCE)),
    });
    runtime()?.block_on(serve(args.listen, sidecar))
}

async fn serve(listen: SocketAddr, sidecar: Arc<Sidecar>) -> Result<Verdict, Failure> {
    let failed = |error| Failure::Other(format!("cannot listen on {listen}: {error}"));
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let stop = setup::stop_signal();
    output::line(&format!("http://{address}"))?;
    let head = sidecar.body_timeout;
    let connection = head.saturating_mul(2).saturating_add(WORKED_ON_WITHIN);
    let times = Times { head, connection, stop: STOPS_WITHIN };
    let router = Router::new()
        .route(
            "/status",
            get(|| async { answer(StatusCode::OK, &json!({"message": "Status OK"})) }),
        )
        .route("/attest/raw", work(raw))
        .route("/attest/combined", work(combined))
        .route("/attest/maa", work(maa))
        .route("/key/release", work(release))
        .layer(from_fn(of_this_machine))
        .with_state(sidecar);
    connections::serve(listener, router, times, stop).await;
    Ok(Verdict::Yes)
}

/// Refuses what a browser sends for a site of somebody's: it names its origin, or, where the site's name
/// was made to lead here, another host.
async fn of_this_machine(request: Request, next: Next) -> Response {
    let head = request.headers();
    let host = head.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if head.contains_key(ORIGIN) || !is_loopback(host) {
        let text = "only programs of this machine are answered, under localhost, and no web pages";
        return refusal(StatusCode::FORBIDDEN, text);
    }
    next.run(request).await
}

/// Whether a `Host` is a name or an address of loopback, with a port or without.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn work(answers: Answers) -> axum::routing::MethodRouter<Arc<Sidecar>> {
    post(move |State(sidecar): State<Arc<Sidecar>>, body: Body| async move {
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

/// Reads a body, one of so many at once: nobody fills the memory.
async fn read(sidecar: &Sidecar, body: Body) -> Result<Bytes, Refused> {
    let _permit = sidecar.read_at_once.try_acquire().map_err(|_| Refused::Busy)?;
    let read = tokio::time::timeout(sidecar.body_timeout, to_bytes(body, REQUEST_BYTES_MAX)).await;
    let read = read.map_err(|_| {
        let seconds = sidecar.body_timeout.as_secs();
        Refused::Request(format!("the request does not arrive within {seconds} seconds"))
    })?;
    read.map_err(|error| Refused::Request(format!("the body cannot be read: {error}")))
}

async fn worked(sidecar: Arc<Sidecar>, body: Body, answers: Answers) -> Result<Value, Refused> {
    let body = read(&sidecar, body).await?;
    let members: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|error| Refused::Request(format!("the body is no JSON object: {error}")))?;
    // Held until the work is done, whether or not anybody still waits for it.
    let permit = Arc::clone(&sidecar.at_once).try_acquire_owned().map_err(|_| Refused::Busy)?;
    let work = move || {
        let _permit = permit;
        answers(&sidecar, &members)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| {
        Err(Refused::Forbidden("the request could not be completed".to_owned()))
    })
}

fn raw(sidecar: &Sidecar, members: &Map<String, Value>) -> Result<Value, Refused> {
    let quoted = sidecar.guest.quote(&runtime_data(members)?)?;
    Ok(json!({ "report": avouch_wire::encode_hex(quoted.report()) }))
}

fn combined(sidecar: &Sidecar, members: &Map<String, Value>) -> Result<Value, Refused> {
    let quoted = sidecar.guest.quote(&runtime_data(members)?)?;
    let certificates = quoted.certificates().unwrap_or_default();
    Ok(json!({
        "evidence": base64url::encode_standard(quoted.report()),
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
    let vault = endpoint(members, "akv_endpoint")?;
    let given = members.get("access_token").and_then(Value::as_str);
    let own = sidecar.token.as_ref().filter(|own| own.vault.eq_ignore_ascii_case(&vault));
    let token = given.or_else(|| own.map(|own| own.token.as_str())).ok_or_else(|| {
        let text = "access_token is missing, and the sidecar has no token for this akv_endpoint";
        Refused::Request(text.to_owned())
    })?;
    let request = KeyRequest {
        attest: endpoint(members, "maa_endpoint")?,
        vault,
        kid: kid(members)?,
        token: token.to_owned(),
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
    url_of(text(members, name)?).ok_or_else(|| Refused::Request(format!("{name} is no host")))
}

fn url_of(host: &str) -> Option<String> {
    let host = host.trim_end_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:/[]".contains(&byte);
    let is_host = !host.is_empty() && !host.contains("//") && host.bytes().all(is_plain);
    is_host.then(|| format!("https://{host}"))
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
