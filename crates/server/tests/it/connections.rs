//! Connections that do nothing, and bodies that together are too much.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Running, Setup};

/// A service that waits for a second at most.
async fn impatient() -> Running {
    let mut setup = Setup::new().await;
    setup.config.limits.request_seconds_max = 1;
    setup.config.limits.handshake_seconds_max = 1;
    setup.serve().await
}

#[tokio::test]
async fn a_connection_that_sends_no_whole_request_is_closed() {
    let service = impatient().await;
    for (protocol, beginning) in [
        ("h2", ""),
        ("h2", "PRI * HTT"),
        ("h2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
        ("http/1.1", ""),
        ("http/1.1", "GET /healthz HTTP/1.1\r\nhost: localhost\r\n"),
    ] {
        let mut stream = service.tls_stream(protocol).await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        // Far beyond the limit, so that only a connection that is kept for ever fails.
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut answer));
        assert!(ended.await.is_ok(), "{protocol} {beginning:?} is kept open");
    }
}

#[tokio::test]
async fn a_client_that_takes_none_of_its_answers_is_let_go() {
    let service = impatient().await;
    let mut stream = service.tls_stream("http/1.1").await;
    let request = "GET /certs HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(100);
    let writing = async {
        // Until the service takes no more, and then until it ends the connection.
        while stream.write_all(request.as_bytes()).await.is_ok() {}
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), writing).await.is_ok());
}

#[tokio::test]
async fn a_connection_with_requests_now_and_then_stays() {
    let service = impatient().await;
    let mut stream = service.tls_stream("http/1.1").await;
    for _ in 0..6 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[tokio::test]
async fn bodies_over_the_memory_for_all_of_them_are_429_and_the_memory_comes_back() {
    let mut setup = Setup::new().await;
    let limits = &mut setup.config.limits;
    limits.connections_max = 16;
    limits.body_bytes_max = 100_000;
    limits.memory_bytes_max = (16 << 16) + 600_000;
    let service = setup.serve().await;
    let path = "/attest/SgxEnclave?api-version=2020-10-01";
    // One body holds most of the memory: it never ends.
    let mut holder = service.tls_stream("http/1.1").await;
    let head = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 90001\r\n\r\n");
    holder.write_all(head.as_bytes()).await.unwrap();
    holder.write_all(&vec![b' '; 90_000]).await.unwrap();
    holder.flush().await.unwrap();
    let status = async || service.post(path, " ".repeat(60_000)).await.0.as_u16();
    let mut seen = status().await;
    for _ in 0..100 {
        if seen == 429 {
            break;
        }
        // What was sent may still be on its way.
        tokio::time::sleep(Duration::from_millis(20)).await;
        seen = status().await;
    }
    assert_eq!(seen, 429);
    drop(holder);
    for _ in 0..500 {
        if seen == 400 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        seen = status().await;
    }
    // 400 is for a body that is no request: it was read.
    assert_eq!(seen, 400);
}
