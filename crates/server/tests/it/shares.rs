//! What one sender may hold: memory, connections, requests; and what is left for others.
#![allow(clippy::string_slice, reason = "a test fails by panicking")]

use std::time::Duration;

use axum::body::Bytes;
use h2::client::SendRequest;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::support::{Running, Setup};

const ATTEST: &str = "/attest/SgxEnclave?api-version=2022-08-01";

/// A service with memory for little.
async fn small(change: impl FnOnce(&mut avouch_server::config::LimitsConfig)) -> Running {
    let mut setup = Setup::new().await;
    let limits = &mut setup.config.limits;
    limits.connections_max = 16;
    limits.body_bytes_max = 64 << 10;
    limits.memory_bytes_max = (16 * 64 + 16 * 64) << 10;
    limits.request_seconds_max = 2;
    change(limits);
    setup.serve().await
}

/// An HTTP/2 connection whose windows are as given.
async fn http2(service: &Running, window: u32) -> SendRequest<Bytes> {
    let stream = service.tls_stream("h2").await;
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(window).max_concurrent_reset_streams(1000);
    let (sender, connection) = builder.handshake(stream).await.unwrap();
    tokio::spawn(async move {
        let _ = connection.await;
    });
    sender
}

fn request(method: Method, path: &str, filler: usize) -> axum::http::Request<()> {
    let uri = format!("https://localhost{path}");
    let request = axum::http::Request::builder().method(method).uri(uri);
    request.header("x-filler", "f".repeat(filler)).body(()).unwrap()
}

/// The status of a small request; 0 without an answer.
async fn attest(service: &Running) -> u16 {
    let request = service.request(Method::POST, ATTEST).body("{}");
    request.send().await.map_or(0, |answer| answer.status().as_u16())
}

/// Retries until a status is seen, for what takes a moment to arrive or to be let go.
async fn until(status: u16, mut ask: impl AsyncFnMut() -> u16) {
    let mut seen = 0;
    for _ in 0..500 {
        seen = ask().await;
        if seen == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(seen, status);
}

/// Heads of 28 KB for which an address has memory.
const HELD: usize = 16;

#[tokio::test]
async fn heads_held_open_over_http_2_are_counted_and_probes_are_answered_beside_them() {
    let service = small(|limits| limits.request_seconds_max = 5).await;
    let mut sender = http2(&service, 65_535).await;
    let mut held = Vec::new();
    let (mut refused, mut reset) = (0, 0);
    for number in 0..100 {
        sender = sender.ready().await.unwrap();
        let (answer, body) =
            sender.send_request(request(Method::POST, ATTEST, 20_000), false).unwrap();
        let mut answer = tokio::spawn(answer);
        if number >= HELD {
            // One refusal after the other: those that wait to be taken need memory too, and where there is
            // none streams are reset, of which a connection may have but few.
            let soon = tokio::time::timeout(Duration::from_secs(5), &mut answer).await;
            match soon.expect("who is refused is told at once").unwrap() {
                Ok(answer) => {
                    assert_eq!(answer.status(), 429);
                    assert_eq!(answer.headers()["retry-after"], "1");
                    refused += 1;
                }
                Err(_) => reset += 1,
            }
        }
        held.push((answer, body));
    }
    assert!(held.iter().take(HELD).all(|(answer, _)| !answer.is_finished()));
    // Of a megabyte an address has not half: sixteen heads of 28 KB with what belongs to them.
    assert_eq!(refused + reset, 100 - HELD, "{refused} {reset}");
    assert!(refused > 0);
    for path in ["/healthz", "/readyz", "/certs", "/.well-known/openid-configuration"] {
        assert_eq!(service.status(path).await, 200, "{path}");
    }
    drop((held, sender));
    until(400, async || attest(&service).await).await;
}

#[tokio::test]
async fn answers_that_nobody_takes_are_counted_and_end_their_connection() {
    let service = small(|limits| limits.address_requests_max = 1000).await;
    // A window of nothing: heads come, bodies do not.
    let mut sender = http2(&service, 0).await;
    let mut waiting = Vec::new();
    let mut statuses = Vec::new();
    for _ in 0..100 {
        sender = sender.ready().await.unwrap();
        let asked = request(Method::POST, ATTEST, 1);
        let (answer, _) = sender.send_request(asked, true).unwrap();
        // Some hundred bytes are kept for refusals; without even those the stream is reset.
        match answer.await {
            Ok(answer) => {
                statuses.push(answer.status().as_u16());
                waiting.push(answer);
            }
            Err(_) => statuses.push(0),
        }
    }
    assert_eq!(statuses[..20], [400; 20]);
    assert!(statuses[80..].iter().all(|status| [0, 429].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&429), "{statuses:?}");
    // Not for ever: who takes nothing is let go, and then there is memory again.
    until(400, async || attest(&service).await).await;
    assert!(sender.ready().await.is_err(), "the connection has ended");
}

#[tokio::test]
async fn a_body_in_tiny_chunks_takes_no_more_than_another() {
    let service = small(|_| {}).await;
    let head = format!(
        "POST {ATTEST} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\
         connection: close\r\n\r\n"
    );
    for (chunks, words) in [(16_000, "no body"), (20_000, "pieces")] {
        let mut stream = service.tls_stream("http/1.1").await;
        let body = "1\r\n \r\n".repeat(chunks);
        let text = format!("{head}{body}0\r\n\r\n");
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.flush().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
        assert!(answer.contains(words), "{answer}");
    }
}

#[tokio::test]
async fn an_address_has_its_number_of_connections_and_another_has_its_own() {
    let service = small(|limits| limits.address_connections_max = 3).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(service.tls_stream("http/1.1").await);
    }
    assert!(service.try_tls_stream("http/1.1", [127, 0, 0, 1]).await.is_none());
    assert!(service.try_tls_stream("http/1.1", [127, 0, 0, 2]).await.is_some());
    held.pop();
    for _ in 0..500 {
        if service.try_tls_stream("http/1.1", [127, 0, 0, 1]).await.is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a place that was left is not given again");
}

#[tokio::test]
async fn when_all_connections_are_taken_whoever_has_most_unused_makes_way_for_others() {
    let service = small(|limits| limits.request_seconds_max = 600).await;
    let connect = async |last| service.try_tls_stream("http/1.1", [127, 0, 0, last]).await.unwrap();
    let mut few = [connect(3).await, connect(3).await];
    let mut many = Vec::new();
    // One is used: it stays, though it is the oldest.
    many.push(connect(2).await);
    let head = format!("POST {ATTEST} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n");
    many[0].write_all(head.as_bytes()).await.unwrap();
    for _ in 0..13 {
        many.push(connect(2).await);
    }
    for _ in 0..3 {
        let client = service.client(|builder| builder);
        let answer = client.get(format!("{}/healthz", service.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let mut byte = [0];
    let mut is_open = async |stream: &mut TlsStream<TcpStream>| {
        let read = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut byte));
        read.await.is_err()
    };
    assert!(is_open(&mut few[0]).await && is_open(&mut few[1]).await);
    assert!(is_open(&mut many[0]).await, "it has a request under way");
    assert!(!is_open(&mut many[1]).await, "the oldest goes first");
    assert!(is_open(&mut many[13]).await);
}

#[tokio::test]
async fn an_address_has_its_number_of_requests_under_way() {
    let service = small(|limits| limits.address_requests_max = 4).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut stream = service.tls_stream("http/1.1").await;
        let head =
            format!("POST {ATTEST} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        held.push(stream);
    }
    until(429, async || attest(&service).await).await;
    assert_eq!(service.status("/healthz").await, 200);
    held.pop();
    until(400, async || attest(&service).await).await;
}

#[tokio::test]
async fn handshakes_of_an_address_wait_for_each_other() {
    let service = small(|limits| {
        limits.address_handshakes_max = 1;
        limits.handshake_seconds_max = 1;
    })
    .await;
    // Says nothing and so holds the one place, for as long as a handshake may take.
    let silent = tokio::net::TcpStream::connect(service.address()).await.unwrap();
    assert_eq!(service.status("/healthz").await, 200);
    drop(silent);
}

#[tokio::test]
async fn a_document_of_countless_values_is_refused_wherever_it_is_read() {
    let service = Running::start().await;
    let members: String = (0..90_000).map(|n| format!("\"m{n}\":1,")).collect();
    let documents = [
        format!("{{{members}\"quote\":\"AAAA\"}}"),
        format!("{{\"quote\":[{}]}}", vec!["[]"; 90_000].join(",")),
    ];
    for document in documents {
        let (status, answer) = service.attest_sgx(&document).await;
        assert_eq!(status, 400);
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("more than 10000 values"), "{message}");
        let path = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/\
                    Microsoft.Attestation/attestationProviders/contoso?api-version=2021-06-01";
        let (status, answer) = service.send(Method::PUT, path, "t", document).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer.to_string().contains("values"), "{answer}");
    }
}
