//! Work that waits for a thread: who waits behind it, and who does not.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use avouch_server::processor::Spent;
use avouch_server::work::Source;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Running, Setup};

const ATTEST: &str = "/attest/SgxEnclave?api-version=2020-10-01";
const POLICY: &str = "/policies/SgxEnclave?api-version=2022-08-01";

/// A service whose only thread for work is taken until the sender is dropped.
async fn occupied(waiting_max: u64) -> (Running, mpsc::Sender<()>) {
    let mut setup = Setup::new().await;
    setup.config.limits.work_threads = 1;
    setup.config.limits.work_light_threads = 0;
    setup.config.limits.work_waiting_max = waiting_max;
    setup.config.limits.work_seconds_max = 600;
    let service = setup.serve().await;
    let (release, released) = mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let state = Arc::clone(&service.state);
    tokio::spawn(async move {
        let work = move || {
            let _ = begun.send(());
            let _ = released.recv();
            Ok::<_, avouch_server::Fault>(())
        };
        state
            .work
            .run(Source::new(IpAddr::V4(Ipv4Addr::BROADCAST), 0, Arc::new(Spent::new(1))), work)
            .await
    });
    has_begun.await.unwrap();
    (service, release)
}

async fn until_waiting(service: &Running, wanted: usize) {
    while service.state.work.waiting() != wanted {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn probes_and_what_relying_parties_read_do_not_wait_behind_work() {
    let (service, release) = occupied(100).await;
    let waiting = tokio::spawn(service.request(Method::POST, ATTEST).body("{}").send());
    until_waiting(&service, 1).await;
    for path in ["/healthz", "/readyz", "/certs", "/.well-known/openid-configuration"] {
        assert_eq!(service.status(path).await, 200, "{path}");
    }
    assert_eq!(service.get("/readyz").await["work_waiting"], 1);
    assert!(!waiting.is_finished());
    drop(release);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 400);
}

#[tokio::test]
async fn over_the_length_of_the_queue_requests_are_503_and_told_to_come_back() {
    let (service, release) = occupied(1).await;
    let waiting = tokio::spawn(service.request(Method::POST, ATTEST).body("{}").send());
    until_waiting(&service, 1).await;
    let refused = service.request(Method::POST, ATTEST).body("{}").send().await.unwrap();
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    drop(release);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 400);
    assert_eq!(service.post(ATTEST, "{}".to_owned()).await.0, 400);
}

#[tokio::test]
async fn who_has_no_right_to_a_change_is_told_without_sending_the_body() {
    let service = Running::start().await;
    let mut stream = service.tls_stream("http/1.1").await;
    let head = format!("PUT {POLICY} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer).await.unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 401"));
}
