//! `avouch serve` as a process whose surroundings fail or change: a log that cannot be written, a
//! request to stop, a request to reload.
#![cfg(test)]
#![cfg(unix)]

mod support;

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use avouch_token::policy_jws::{JwsContent, UnsignedForm, create_unsigned};
use reqwest::RequestBuilder;
use serde_json::Value;
use support::service::{Installation, OWNER, Service, tokens, write_tls};

const POLICY: &str = "version=1.0; authorizationrules{=> permit();}; issuancerules{};";
const PATH: &str = "/policies/SgxEnclave?api-version=2022-08-01";
const NEW_OWNER: &str = "new-owner-0123456789abcdef0123456";

fn policy() -> String {
    create_unsigned(JwsContent::Policy(POLICY), UnsignedForm::Compact)
}

/// A client that trusts the service's certificate as it was when this was made.
struct Caller {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    url: String,
}

impl Caller {
    fn new(service: &Service) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let ca = reqwest::Certificate::from_pem(&std::fs::read(&service.ca).unwrap()).unwrap();
        let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, client, url: service.url.clone() }
    }

    fn send(&self, request: RequestBuilder) -> (u16, String) {
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.send(self.client.get(format!("{}{path}", self.url)))
    }

    fn set_policy(&self, token: &str) -> u16 {
        let request = self.client.put(format!("{}{PATH}", self.url)).bearer_auth(token);
        self.send(request.body(policy())).0
    }

    fn readiness(&self) -> Value {
        serde_json::from_str(&self.get("/readyz").1).unwrap()
    }
}

/// Tries until it is so, within bounds.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..600 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not within bounds: {what}");
}

/// Requests that are refused, each of which the service logs, all answered; and changes.
fn answers_while_it_logs(client: &Caller) {
    for number in 0..1000 {
        let path = format!("/nowhere/{number}/{}", "x".repeat(180));
        assert_eq!(client.get(&path).0, 404);
    }
    assert_eq!(client.set_policy(OWNER), 200);
    assert_eq!(client.get("/certs").0, 200);
}

#[test]
fn a_log_on_a_full_disk_or_without_a_reader_costs_nothing_and_its_losses_are_counted() {
    let installation = Installation::new("log-full", "");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for (name, stderr) in [("full", Stdio::from(full)), ("closed", Stdio::piped())] {
        let (mut service, reader) = installation.start_logging_to(stderr);
        drop(reader);
        let client = Caller::new(&service);
        answers_while_it_logs(&client);
        until(name, || client.readiness()["log_lines_lost"].as_u64().unwrap() >= 500);
        let report = client.readiness();
        assert_eq!(report["ready"], true, "{name}: {report}");
        service.signal("TERM");
        assert!(service.ends_well(), "{name}");
    }
}

#[test]
fn a_log_that_nobody_reads_keeps_neither_answers_nor_the_end_from_coming() {
    let installation = Installation::new("log-unread", "");
    let (mut service, reader) = installation.start_logging_to(Stdio::piped());
    let client = Caller::new(&service);
    for _ in 0..3 {
        answers_while_it_logs(&client);
    }
    assert_eq!(client.readiness()["ready"], true);
    service.signal("TERM");
    assert!(service.ends_well());
    drop(reader);
}

#[test]
fn a_log_file_has_lines_in_the_form_that_is_configured_and_no_colours() {
    for format in ["text", "json"] {
        let more = format!("[telemetry]\nlog_file = \"log\"\nlog_format = \"{format}\"\n");
        let installation = Installation::new("log-file", &more);
        let mut service = installation.start();
        let client = Caller::new(&service);
        assert_eq!(client.get("/nowhere").0, 404);
        service.signal("TERM");
        assert!(service.ends_well());
        let log = std::fs::read_to_string(installation.folder.join("log")).unwrap();
        assert!(log.contains("answering") && log.contains("stopped"), "{log}");
        assert!(!log.contains('\u{1b}'), "{log:?}");
        for line in log.lines() {
            let is_json = serde_json::from_str::<Value>(line).is_ok_and(|line| line.is_object());
            assert_eq!(is_json, format == "json", "{line}");
        }
    }
}

/// The next answer on a bare connection, up to where nothing more comes.
fn answer(stream: &mut impl std::io::Read) -> String {
    let mut answer = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) | Err(_) => break,
            Ok(read) => answer.extend_from_slice(&bytes[..read]),
        }
        let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split_once("content-length: ").map_or("0", |(_, rest)| rest);
        let length = length.lines().next().unwrap().trim().parse::<usize>().unwrap();
        if body.len() >= length {
            break;
        }
    }
    String::from_utf8_lossy(&answer).to_ascii_lowercase()
}

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[test]
fn a_stop_is_told_first_and_what_is_under_way_is_answered_whoever_stalls() {
    let more = "[limits]\nunready_seconds = 6\nhandshake_seconds_max = 3600\n\n\
                [telemetry]\nlog_file = \"log\"\n";
    let installation = Installation::new("stop", more);
    let mut service = installation.start();
    let fresh = Caller::new(&service);
    let body = policy();
    let (first, rest) = body.split_at(10);
    let mut slow = service.connect();
    let head = format!(
        "PUT {PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {OWNER}\r\n\
         content-length: {}\r\n\r\n{first}",
        body.len()
    );
    slow.write_all(head.as_bytes()).unwrap();
    slow.flush().unwrap();
    let mut idle = service.connect();
    idle.write_all(HEALTH).unwrap();
    assert!(answer(&mut idle).starts_with("http/1.1 200"));
    let stalled = service.connect_bare();

    service.signal("TERM");
    until("unready", || {
        let (status, report) = Caller::new(&service).get("/readyz");
        status == 503 && report.contains("\"stopping\":true")
    });
    assert_eq!(fresh.get("/healthz").0, 200);
    idle.write_all(HEALTH).unwrap();
    let last = answer(&mut idle);
    assert!(last.starts_with("http/1.1 200") && last.contains("connection: close"), "{last}");
    slow.write_all(rest.as_bytes()).unwrap();
    let last = answer(&mut slow);
    assert!(last.starts_with("http/1.1 200") && last.contains("connection: close"), "{last}");
    assert!(service.ends_well());
    drop(stalled);
    let log = std::fs::read_to_string(installation.folder.join("log")).unwrap();
    assert!(log.contains("stopped") && !log.contains("requests under way"), "{log}");
}

#[test]
fn connections_that_the_system_had_accepted_before_a_stop_are_answered() {
    let installation = Installation::new("stop-backlog", "[limits]\nunready_seconds = 0\n");
    for _ in 0..3 {
        let mut service = installation.start();
        service.signal("STOP");
        let waiting: Vec<_> = (0..4).map(|_| service.connect_bare()).collect();
        service.signal("TERM");
        service.signal("CONT");
        for stream in waiting {
            let mut stream = service.secure(stream);
            stream.write_all(HEALTH).unwrap();
            assert!(answer(&mut stream).starts_with("http/1.1 200"));
        }
        assert!(service.ends_well());
    }
}

#[test]
fn a_reload_takes_certificate_tokens_endorsements_and_filter_without_a_lost_request() {
    let more = "[endorsements]\npaths = [\"endorsements\"]\n\n\
                [telemetry]\nlog_file = \"log\"\n";
    let installation = Installation::new("reload", more);
    let folder = &installation.folder;
    let (first, second) = (folder.mint("sgx"), folder.mint("tdx"));
    std::fs::create_dir(folder.join("endorsements")).unwrap();
    let add = |minted: &std::path::Path, name: &str| {
        let to = folder.join("endorsements").join(name);
        std::fs::copy(minted.join("endorsements.json"), to).unwrap();
    };
    add(&first, "first.json");
    let mut service = installation.start();
    let before = Caller::new(&service);
    assert_eq!(before.set_policy(OWNER), 200);
    let known = before.readiness()["endorsements"].clone();

    add(&second, "second.json");
    write_tls(folder);
    folder.write("tokens.toml", tokens(NEW_OWNER));
    let config = std::fs::read_to_string(installation.config()).unwrap();
    let config = config.replace("log_file = \"log\"", "log_file = \"log\"\nlog_filter = \"warn\"");
    let config = format!("{config}\n[limits]\nconnections_max = 77\n");
    std::fs::write(installation.config(), config).unwrap();
    service.signal("HUP");
    // On the connection from before, which goes on.
    until("reloaded", || before.readiness()["last_reload"] == "done");
    assert_eq!(before.set_policy(OWNER), 401);
    assert_eq!(before.set_policy(NEW_OWNER), 200);
    assert_ne!(before.readiness()["endorsements"], known);
    let after = Caller::new(&service);
    assert_eq!(after.set_policy(NEW_OWNER), 200);
    let mut handshake = service.connect();
    handshake.write_all(HEALTH).unwrap();
    assert!(answer(&mut handshake).starts_with("http/1.1 200"));

    service.signal("TERM");
    assert!(service.ends_well());
    let log = std::fs::read_to_string(folder.join("log")).unwrap();
    assert!(log.contains("limits.connections_max"), "{log}");
    assert!(!log.contains("telemetry.log_filter"), "{log}");
    assert!(log.contains("answering") && !log.contains("stopping"), "{log}");
}

#[test]
fn a_reload_that_fails_changes_nothing_and_says_so() {
    let more = "[telemetry]\nlog_file = \"log\"\n";
    let installation = Installation::new("reload-fails", more);
    let folder = &installation.folder;
    let service = installation.start();
    let before = Caller::new(&service);
    assert_eq!(before.readiness()["last_reload"], "none");
    let (certificate, key) =
        (std::fs::read(folder.join("tls.pem")), std::fs::read(folder.join("tls-key.pem")));
    write_tls(folder);
    folder.write("tokens.toml", "no TOML {");
    service.signal("HUP");
    until("failed", || before.readiness()["last_reload"] == "failed");
    folder.write("tls.pem", certificate.unwrap());
    folder.write("tls-key.pem", key.unwrap());
    // New connections see the certificate from before, and the token counts.
    assert_eq!(Caller::new(&service).set_policy(OWNER), 200);
    let log = std::fs::read_to_string(folder.join("log")).unwrap();
    assert!(log.contains("ERROR") && log.contains("tokens.toml"), "{log}");
    folder.write("tokens.toml", tokens(NEW_OWNER));
    service.signal("HUP");
    until("done", || before.readiness()["last_reload"] == "done");
    assert_eq!(before.set_policy(NEW_OWNER), 200);
}
