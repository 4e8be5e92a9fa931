//! Requests as they are on the wire: what the HTTP library would take, or answer by itself.
#![allow(clippy::string_slice, reason = "a test fails by panicking")]

use std::time::Duration;

use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Running, Setup};

const LONG: Duration = Duration::from_secs(60);

/// What a service answers to these bytes, until it closes the connection.
async fn exchange(service: &Running, bytes: &[u8]) -> String {
    let mut stream = service.tls_stream("http/1.1").await;
    // Who is refused early may close before everything was sent.
    let _ = stream.write_all(bytes).await;
    let _ = stream.flush().await;
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(LONG, reading).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// The statuses of the answers in a stream.
fn statuses(answers: &str) -> Vec<u16> {
    let lines = answers.split("HTTP/1.").skip(1);
    lines.map(|line| line[2..5].parse().unwrap()).collect()
}

/// Each answer has an id, and the body of an error of MAA.
fn assert_named(answers: &str, what: &str) {
    let count = statuses(answers).len();
    assert_eq!(answers.matches("x-ms-request-id: 00-").count(), count, "{what}: {answers}");
    assert_eq!(answers.matches("x-ms-maa-service-version: ").count(), count, "{what}");
}

fn get(lines: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\n{lines}connection: close\r\n\r\n")
}

#[tokio::test]
async fn a_request_names_one_host_or_gets_no_provider_at_all() {
    let service = Running::start().await;
    for (lines, status) in [
        ("host: localhost\r\n", 200),
        ("host: localhost:8443\r\n", 200),
        ("host: contoso.attest.localhost\r\n", 200),
        ("host: [::1]:8443\r\n", 200),
        ("", 400),
        ("host:\r\n", 400),
        ("host: \r\n", 400),
        ("host: localhost\r\nhost: localhost\r\n", 400),
        ("host: localhost\r\nhost: other\r\n", 400),
        ("host: a b\r\n", 400),
        ("host: user@localhost\r\n", 400),
        ("host: localhost:\r\n", 400),
        ("host: localhost:x\r\n", 400),
        ("host: localhost:65536\r\n", 400),
        ("host: localhost/x\r\n", 400),
        ("host: localhost,other\r\n", 400),
        ("host: \u{e4}\r\n", 400),
        ("host: [::1\r\n", 400),
        ("host: ..\r\n", 400),
    ] {
        let answer = exchange(&service, get(lines).as_bytes()).await;
        assert_eq!(statuses(&answer), [status], "{lines:?}: {answer}");
        assert_named(&answer, lines);
    }
}

#[tokio::test]
async fn a_target_with_a_host_agrees_with_the_host_field() {
    let service = Running::start().await;
    for (target, host, status) in [
        ("https://localhost/healthz", "localhost", 200),
        ("https://LOCALHOST/healthz", "localhost", 200),
        ("https://localhost/healthz", "other", 400),
        ("https://localhost:1/healthz", "localhost", 400),
        ("https://a@localhost/healthz", "a@localhost", 400),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let answer = exchange(&service, request.as_bytes()).await;
        assert_eq!(statuses(&answer), [status], "{target} {host}: {answer}");
    }
    // HTTP/1.0 knew no host; which provider is meant is not guessed.
    let answer = exchange(&service, b"GET /healthz HTTP/1.0\r\n\r\n").await;
    assert_eq!(statuses(&answer), [400], "{answer}");
    let answer = exchange(&service, b"GET /healthz HTTP/1.0\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(statuses(&answer), [200], "{answer}");
}

#[tokio::test]
async fn http_2_names_one_host_too() {
    let service = Running::start().await;
    let status = async |host: &str| {
        let request = service.request(Method::GET, "/healthz").header("host", host);
        request.send().await.unwrap().status().as_u16()
    };
    let own = service.url.strip_prefix("https://").unwrap();
    assert_eq!(status(own).await, 200);
    assert_eq!(status("other").await, 400);
}

fn post(lines: &str, body: &str) -> String {
    let path = "/attest/SgxEnclave?api-version=2022-08-01";
    format!("POST {path} HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n{body}")
}

#[tokio::test]
async fn a_body_has_one_length_and_one_reading() {
    let service = Running::start().await;
    let follower = "GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for lines in [
        "content-length: 2\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 2\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked, chunked\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "content-length: 2\r\ncontent-length: 2\r\n",
        "content-length: 2\r\ncontent-length: 3\r\n",
        "content-length: 2, 2\r\n",
        "content-length: +2\r\n",
        "content-length: -2\r\n",
        "content-length: 0x2\r\n",
        "content-length:\r\n",
        "content-length: 99999999999999999999\r\n",
        "content-length : 2\r\n",
        "x: y\r\n folded\r\n",
        " x: y\r\n",
        "x\r\n",
        "x: a\rb\r\n",
        "x: a\0b\r\n",
        "x: y\n",
    ] {
        let answer =
            exchange(&service, format!("{}{follower}", post(lines, "{}")).as_bytes()).await;
        assert_eq!(statuses(&answer), [400], "{lines:?}: {answer}");
        assert_named(&answer, lines);
        assert!(answer.contains("\"code\":\"InvalidParameter\""), "{answer}");
    }
}

#[tokio::test]
async fn packed_bodies_are_415() {
    let service = Running::start().await;
    for (lines, status) in [
        ("content-encoding: gzip\r\n", 415),
        ("content-encoding: identity, gzip\r\n", 415),
        ("content-encoding: identity\r\ncontent-encoding: identity\r\n", 415),
        ("content-encoding: identity\r\n", 400),
        ("", 400),
    ] {
        let lines = format!("{lines}content-length: 2\r\nconnection: close\r\n");
        let answer = exchange(&service, post(&lines, "{}").as_bytes()).await;
        assert_eq!(statuses(&answer), [status], "{lines:?}: {answer}");
        assert_named(&answer, &lines);
    }
}

#[tokio::test]
async fn whatever_is_no_request_gets_an_answer_with_an_id() {
    let service = Running::start().await;
    let long_target = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "x".repeat(20_000));
    let endless_target = format!("GET /{}", "x".repeat(20_000));
    let long_field = get(&format!("host: localhost\r\nx: {}\r\n", "y".repeat(40_000)));
    let many_fields = get(&format!("host: localhost\r\n{}", "x: y\r\n".repeat(200)));
    for (request, status) in [
        ("nonsense\r\n\r\n", 400),
        ("GET /healthz\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\nhost: localhost\n\n", 400),
        ("GET  /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
        ("GET /healthz HTTP/3.0\r\nhost: localhost\r\n\r\n", 400),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        ("OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
        ("GET * HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n", 400),
        ("CONNECT localhost:1 HTTP/1.1\r\nhost: localhost:1\r\n\r\n", 400),
        ("GET healthz HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
        ("GET /<> HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
        ("G\u{1}T / HTTP/1.1\r\nhost: localhost\r\n\r\n", 400),
        (&long_target, 414),
        (&endless_target, 414),
        (&long_field, 431),
        (&many_fields, 431),
    ] {
        let answer = exchange(&service, request.as_bytes()).await;
        let begins = &request[..request.len().min(40)];
        assert_eq!(statuses(&answer), [status], "{begins:?}: {answer}");
        assert_named(&answer, begins);
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn a_head_that_takes_too_long_is_408_with_an_id() {
    let mut setup = Setup::new().await;
    setup.config.limits.request_seconds_max = 1;
    let service = setup.serve().await;
    let answer = exchange(&service, b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n").await;
    assert_eq!(statuses(&answer), [408], "{answer}");
    assert_named(&answer, "408");
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_their_order_also_before_a_bad_one() {
    let service = Running::start().await;
    let good = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let chunked =
        post("transfer-encoding: chunked\r\n", "1\r\n{\r\n1;x=y\r\n}\r\n0\r\nt: x\r\n\r\n");
    let measured = post("content-length: 2\r\n", "{}");
    let bad = "GET /healthz HTTP/1.1\r\n\r\n";
    let text = format!("{good}\r\n{chunked}{measured}{good}{bad}{good}");
    let last = "GET /nowhere HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    // A host that is missing is no broken head: the connection goes on.
    let answer = exchange(&service, format!("{text}{last}").as_bytes()).await;
    assert_eq!(statuses(&answer), [200, 400, 400, 200, 400, 200, 404], "{answer}");
    assert_named(&answer, "row");
    // Cut anywhere, it is the same.
    let bytes = format!("{text}nonsense\r\n\r\n{last}").into_bytes();
    for size in [1, 7, 64] {
        let mut stream = service.tls_stream("http/1.1").await;
        for piece in bytes.chunks(size) {
            stream.write_all(piece).await.unwrap();
            stream.flush().await.unwrap();
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert_eq!(statuses(&answer), [200, 400, 400, 200, 400, 200, 400], "{size}: {answer}");
    }
}

#[tokio::test]
async fn a_chunked_body_that_is_malformed_ends_the_connection() {
    let service = Running::start().await;
    let follower = "GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for body in ["2\n{}\n0\n\n", "2 \r\n{}\r\n0\r\n\r\n", "02\r\n{}x\r\n0\r\n\r\n", "x\r\n"] {
        let request = post("transfer-encoding: chunked\r\n", body);
        let answer = exchange(&service, format!("{request}{follower}").as_bytes()).await;
        assert_eq!(statuses(&answer), [400], "{body:?}: {answer}");
        assert_named(&answer, body);
        assert!(answer.contains("the body broke off"), "{answer}");
    }
}
