//! What the attacker does: each function until its process is ended.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hyper::body::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::Outcome;
use crate::connect::{Stream, Target, ask, request};
use crate::service::ATTEST;

/// The attacks, by what they do.
pub(crate) const NAMES: [&str; 9] = [
    "heads held open over HTTP/2",
    "bodies in chunks of one byte",
    "bodies in HTTP/2 frames of one byte",
    "floods of JSON members",
    "draft policies at their limits",
    "certificates with thousands of extensions",
    "idle and stalled connections",
    "answers that are not taken",
    REFUSALS,
];
pub(crate) const REFUSALS: &str = "requests that are refused";

const ATTEST_SNP: &str = "/attest/SevSnpVm?api-version=2022-08-01";
/// Last numbers of the attacker's addresses.
const ADDRESSES: std::ops::Range<u8> = 10..18;
/// Pause after a connection was refused.
const PAUSE: Duration = Duration::from_millis(20);
/// Nobody may forget to end it.
const AT_MOST: Duration = Duration::from_secs(60);

pub(crate) async fn run(name: &str, port: &str, ca: &str, request: &str) -> Outcome<()> {
    let read = |path: &str| std::fs::read(path).map_err(|error| format!("{path}: {error}"));
    let port = port.parse().map_err(|_| "no port".to_owned())?;
    let target = Target::new(port, &read(ca)?)?;
    let body = String::from_utf8(read(request)?).map_err(|error| error.to_string())?;
    let attack = async {
        match name {
            "heads held open over HTTP/2" => each(64, &target, held_heads).await,
            "bodies in chunks of one byte" => each(8, &target, tiny_chunks).await,
            "bodies in HTTP/2 frames of one byte" => each(8, &target, tiny_frames).await,
            "floods of JSON members" => flood(&target, ATTEST, members()).await,
            "draft policies at their limits" => flood(&target, ATTEST, draft(&body)?).await,
            "certificates with thousands of extensions" => {
                flood(&target, ATTEST_SNP, certificates()?).await
            }
            "idle and stalled connections" => each(220, &target, stalled).await,
            "answers that are not taken" => each(64, &target, not_taken).await,
            REFUSALS => flood(&target, ATTEST, "{".to_owned()).await,
            _ => return Err(format!("no attack {name:?}")),
        }
        Ok(())
    };
    tokio::time::timeout(AT_MOST, attack).await.unwrap_or(Ok(()))
}

/// So many connections from each address, each attacking for ever.
async fn each<F: Future<Output = Outcome<()>>>(
    connections: usize,
    target: &Target,
    attack: impl Fn(Target, u8, usize) -> F,
) {
    let one = |(last, number)| {
        let attack = &attack;
        async move {
            loop {
                if attack(target.clone(), last, number).await.is_err() {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    };
    let all = ADDRESSES.flat_map(|last| (0..connections).map(move |number| (last, number)));
    join_all(all.map(one)).await;
}

/// The same body again and again.
async fn flood(target: &Target, path: &str, body: String) {
    let request = Arc::new(request("POST", path, &body));
    each(8, target, |target, last, _| {
        let request = Arc::clone(&request);
        async move {
            let mut stream = target.http1(last).await?;
            loop {
                ask(&mut stream, &request).await?;
            }
        }
    })
    .await;
}

type Sender = h2::client::SendRequest<Bytes>;

/// An HTTP/2 connection with windows of a size for what the service sends.
async fn http2(target: &Target, last: u8, window: u32) -> Outcome<Sender> {
    let stream: Stream = target.http2(last).await?;
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window);
    let (sender, connection) =
        builder.handshake(stream).await.map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

fn head(method: &str, path: &str, filler: &str) -> Outcome<hyper::Request<()>> {
    let uri = format!("https://localhost{path}");
    let builder = hyper::Request::builder().method(method).uri(uri);
    builder.header("x-filler", filler).body(()).map_err(|error| error.to_string())
}

/// As many streams as the service allows, each with a long head and no end.
async fn held_heads(target: Target, last: u8, _: usize) -> Outcome<()> {
    let mut sender = http2(&target, last, 65_535).await?;
    let filler = "f".repeat(15_000);
    let mut held = Vec::new();
    for _ in 0..120 {
        let text = |error: h2::Error| error.to_string();
        sender = sender.ready().await.map_err(text)?;
        held.push(sender.send_request(head("POST", ATTEST, &filler)?, false).map_err(text)?);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(())
}

async fn tiny_chunks(target: Target, last: u8, _: usize) -> Outcome<()> {
    let mut stream = target.http1(last).await?;
    let head =
        format!("POST {ATTEST} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
    let text = |error: std::io::Error| error.to_string();
    stream.write_all(head.as_bytes()).await.map_err(text)?;
    let chunks = "1\r\n \r\n".repeat(500);
    for _ in 0..2000 {
        stream.write_all(chunks.as_bytes()).await.map_err(text)?;
    }
    Ok(())
}

async fn tiny_frames(target: Target, last: u8, _: usize) -> Outcome<()> {
    let mut sender = http2(&target, last, 65_535).await?;
    let text = |error: h2::Error| error.to_string();
    let mut streams = Vec::new();
    for _ in 0..100 {
        sender = sender.ready().await.map_err(text)?;
        streams.push(sender.send_request(head("POST", ATTEST, "")?, false).map_err(text)?);
    }
    for _ in 0..20_000 {
        for (_, body) in &mut streams {
            body.send_data(Bytes::from_static(b" "), false).map_err(text)?;
        }
        // Lets the connection send.
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// A megabyte of members that nobody knows.
fn members() -> String {
    let members: String = (0..90_000).map(|number| format!("\"m{number}\":1,")).collect();
    format!("{{{members}\"quote\":\"AAAA\"}}")
}

/// Good evidence with a draft that multiplies claims until it is stopped.
fn draft(body: &str) -> Outcome<String> {
    let condition = "c1:[] && c2:[] && c3:[] && c4:[type == \"none of these\"]";
    let rules = format!("{condition} => issue(type=\"x\", value=c1.value);\n").repeat(400);
    let text = format!(
        "version=1.0;\nauthorizationrules {{ => permit(); }};\nissuancerules {{\n{rules}}};"
    );
    let mut body: serde_json::Value =
        serde_json::from_str(body).map_err(|error| error.to_string())?;
    if let Some(body) = body.as_object_mut() {
        body.insert("draftPolicyForAttestation".to_owned(), text.into());
    }
    Ok(body.to_string())
}

/// Evidence whose certificates have as many extensions as fit.
fn certificates() -> Outcome<String> {
    let text = |error: rcgen::Error| error.to_string();
    let mut params = rcgen::CertificateParams::new(Vec::new()).map_err(text)?;
    for number in 0..4000 {
        let oid = [1, 3, 6, 1, 4, 1, 55_555, number];
        params
            .custom_extensions
            .push(rcgen::CustomExtension::from_oid_content(&oid, vec![4, 1, 0]));
    }
    let key = rcgen::KeyPair::generate().map_err(text)?;
    let pem = params.self_signed(&key).map_err(text)?.pem();
    let chain = avouch_wire::base64url::encode(pem.repeat(2).as_bytes());
    // A chain is read before the report that it is to belong to.
    let report = avouch_wire::base64url::encode([2; 1184]);
    let report = serde_json::json!({"SnpReport": report, "VcekCertChain": chain}).to_string();
    let report = avouch_wire::base64url::encode(report.as_bytes());
    Ok(serde_json::json!({"report": report, "quote": "AAAA"}).to_string())
}

/// Connections that begin something: a handshake, a head, a body; or nothing.
async fn stalled(target: Target, last: u8, number: usize) -> Outcome<()> {
    let text = |error: std::io::Error| error.to_string();
    let wait = Duration::from_secs(1);
    if number.is_multiple_of(4) {
        let _silent = target.tcp(last).await?;
        tokio::time::sleep(wait).await;
        return Ok(());
    }
    let mut stream = target.http1(last).await?;
    let beginning = match number % 4 {
        1 => String::new(),
        2 => "GET /healthz HTTP/1.1\r\nhost:".to_owned(),
        _ => format!("POST {ATTEST} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n"),
    };
    stream.write_all(beginning.as_bytes()).await.map_err(text)?;
    stream.flush().await.map_err(text)?;
    // Until the service has enough of it.
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.map_err(text)?;
    Ok(())
}

/// Streams whose answers have no window.
async fn not_taken(target: Target, last: u8, _: usize) -> Outcome<()> {
    let mut sender = http2(&target, last, 0).await?;
    let text = |error: h2::Error| error.to_string();
    let mut held = Vec::new();
    for _ in 0..120 {
        sender = sender.ready().await.map_err(text)?;
        held.push(sender.send_request(head("GET", "/certs", "")?, true).map_err(text)?);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok(())
}
