//! `avouch serve` as a process: what it refuses to start with, and that it starts with a complete
//! configuration, knows its users and keeps its state.
#![cfg(test)]

mod support;

use std::process::Command;

use avouch_token::policy_jws::{JwsContent, UnsignedForm, create_unsigned};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use support::service::{
    CONTOSO, CONTRIBUTOR, Installation, OWNER, PUBLIC_URL, READER, Service, serve,
};
use support::{Folder, avouch, run};

/// Standard error of a start that must fail with status 2.
#[track_caller]
fn refused(mut command: Command) -> String {
    let run = run(&mut command).expect_status(2);
    assert!(run.stdout.is_empty(), "{}", run.stdout);
    run.stderr
}

#[test]
fn without_dev_or_configuration_everything_that_is_missing_is_listed() {
    let text = refused(serve(["--listen", "127.0.0.1:0"]));
    for words in [
        "server.tls.certificates",
        "server.public_url",
        "auth.issuers",
        "auth.token_file",
        "signing.key_file",
        "--dev",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

/// Removes a section, or a line, from a configuration.
fn without(installation: &Installation, what: &str) -> Command {
    let text = std::fs::read_to_string(installation.config()).unwrap();
    let left = match what.strip_prefix('[') {
        None => text.lines().filter(|line| !line.starts_with(what)).collect::<Vec<_>>().join("\n"),
        Some(_) => text
            .split("\n\n")
            .filter(|section| !section.starts_with(what))
            .collect::<Vec<_>>()
            .join("\n\n"),
    };
    assert_ne!(left, text, "{what} was there");
    let file = installation.folder.write("less.toml", left);
    let mut command = serve(["--listen", "127.0.0.1:0", "--config"]);
    command.arg(file);
    command
}

#[test]
fn each_thing_that_is_missing_is_named_and_nothing_that_is_there() {
    let installation = Installation::new("serve-missing", "");
    let rows = [
        ("[server.tls]", "server.tls.certificates"),
        ("public_url", "server.public_url"),
        ("[auth]", "auth.token_file"),
        ("[signing]", "signing.key_file"),
    ];
    for (what, named) in rows {
        let text = refused(without(&installation, what));
        for (_, other) in rows {
            assert_eq!(text.contains(other), other == named, "without {what}: {text}");
        }
    }
}

#[test]
fn a_file_that_is_named_and_not_there_or_of_no_use_is_named() {
    let installation = Installation::new("serve-files", "");
    let folder = &installation.folder;
    for name in ["tls.pem", "tls-key.pem", "tokens.toml", "signing.pem"] {
        let path = folder.join(name);
        let good = std::fs::read(&path).unwrap();
        for bad in [None, Some("neither PEM nor TOML {")] {
            match bad {
                None => std::fs::remove_file(&path).unwrap(),
                Some(text) => std::fs::write(&path, text).unwrap(),
            }
            let text = refused(installation.command());
            assert!(text.contains(name), "{name}: {text}");
        }
        std::fs::write(&path, good).unwrap();
    }
    let mut command = installation.command();
    command.args(["--config", "/nonexistent/avouch.toml"]);
    assert_eq!(run(&mut command).status, 2, "two configurations");
    let text = refused(serve(["--config", "/nonexistent/avouch.toml"]));
    assert!(text.contains("/nonexistent/avouch.toml"), "{text}");
}

#[test]
fn a_misspelt_key_stops_the_start_and_is_named_with_its_neighbour() {
    let folder = Folder::new("serve-unknown-key");
    let file = folder.write("avouch.toml", "[server]\nlistne = \"127.0.0.1:0\"\n");
    for dev in [&["--dev"][..], &[]] {
        let mut command = serve(dev);
        command.arg("--config").arg(&file);
        let text = refused(command);
        assert!(text.contains("listne") && text.contains("did you mean \"listen\"?"), "{text}");
    }
    let mut command = serve(["--dev"]);
    command.env("AVOUCH_SERVER__LISTNE", "127.0.0.1:0");
    let text = refused(command);
    assert!(text.contains("did you mean \"listen\"?"), "{text}");
}

#[test]
fn dev_is_refused_beyond_loopback_and_what_it_allows_without_it() {
    let text = refused(serve(["--dev", "--listen", "0.0.0.0:0"]));
    assert!(text.contains("loopback"), "{text}");
    let installation = Installation::new("serve-dev", "");
    let mut command = installation.command();
    command.env("AVOUCH_DEV__APPRAISE_AT", "2024-01-01T00:00:00Z");
    let text = refused(command);
    assert!(text.contains("dev.appraise_at"), "{text}");
    for flag in [["--appraise-at", "2024-01-01T00:00:00Z"], ["--trust-root", "root.pem"]] {
        let mut command = installation.command();
        command.args(flag);
        let text = refused(command);
        assert!(text.contains("--dev"), "{text}");
    }
}

const POLICY: &str = "version=1.0; authorizationrules{=> permit();}; issuancerules{};";

struct Caller {
    client: Client,
    url: String,
}

impl Caller {
    fn new(installation: &Installation, url: &str) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let ca = std::fs::read(installation.ca()).unwrap();
        let ca = reqwest::Certificate::from_pem(&ca).unwrap();
        let client = Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
        Self { client, url: url.to_owned() }
    }

    async fn get(&self, token: Option<&str>, path: &str) -> (StatusCode, Value) {
        let request = self.client.get(format!("{}{path}", self.url));
        let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn put(&self, token: Option<&str>, body: &str) -> StatusCode {
        let url = format!("{}{PATH}", self.url);
        let request = self.client.put(url).body(body.to_owned());
        let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        request.send().await.unwrap().status()
    }
}

const PATH: &str = "/policies/SgxEnclave?api-version=2022-08-01";

#[tokio::test(flavor = "multi_thread")]
async fn a_complete_configuration_starts_a_service_that_knows_its_users_and_keeps_its_state() {
    let installation = Installation::new("serve-complete", "");
    let mut service = installation.start();
    let caller = Caller::new(&installation, &service.url);
    let body = create_unsigned(JwsContent::Policy(POLICY), UnsignedForm::Compact);
    let stranger = "x".repeat(32);
    for token in [None, Some(stranger.as_str()), Some(READER), Some(CONTOSO)] {
        assert_eq!(caller.put(token, &body).await, 401, "{token:?}");
    }
    for token in [CONTRIBUTOR, OWNER] {
        assert_eq!(caller.put(Some(token), &body).await, 200, "{token}");
    }
    assert_eq!(caller.get(None, PATH).await.0, 401);
    let (status, metadata) = caller.get(None, "/.well-known/openid-configuration").await;
    assert_eq!((status, &metadata["issuer"]), (StatusCode::OK, &PUBLIC_URL.into()));
    let keys = caller.get(None, "/certs").await.1["keys"][0]["kid"].clone();
    assert!(installation.folder.join("data/avouch.db").is_file());

    // Killed, not stopped: what was answered with 200 is there again, under the same key.
    service.kill();
    drop(service);
    let service = installation.start();
    let caller = Caller::new(&installation, &service.url);
    assert_eq!(caller.get(None, "/certs").await.1["keys"][0]["kid"], keys);
    let (status, answer) = caller.get(Some(READER), PATH).await;
    assert_eq!(status, 200);
    let claims = answer["token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims = avouch_wire::base64url::decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["iss"], PUBLIC_URL);
    assert_eq!(claims["x-ms-policy"], body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_development_certificate_covers_the_public_url_and_the_names_below_the_base_domain() {
    let folder = Folder::new("serve-dev-names");
    let (data, config) = (folder.join("data"), folder.join("avouch.toml"));
    let port = support::service::free_port();
    let text = format!(
        "[server]\npublic_url = \"https://maa.test.example:{port}\"\n\
         base_domain = \"attest.example\"\nlisten = \"127.0.0.1:{port}\"\n"
    );
    std::fs::write(&config, text).unwrap();
    let more = ["--config", config.to_str().unwrap(), "--listen", &format!("127.0.0.1:{port}")];
    let mut command = serve(["--dev", "--data-dir"]);
    command.arg(&data).args(more).stdout(std::process::Stdio::piped());
    let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
    let mut url = String::new();
    let stdout = child.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut url).unwrap();
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let ca = std::fs::read(data.join("tls/ca.pem")).unwrap();
    let ca = reqwest::Certificate::from_pem(&ca).unwrap();
    let mut builder = Client::builder().tls_certs_only([ca]).no_proxy();
    let hosts = ["maa.test.example", "attest.example", "contoso.attest.example", "b.attest.other"];
    for host in hosts {
        builder = builder.resolve(host, std::net::SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let client = builder.build().unwrap();
    let mut reached = Vec::new();
    for host in hosts.into_iter().chain(["localhost", "127.0.0.1"]) {
        if client.get(format!("https://{host}:{port}/healthz")).send().await.is_ok() {
            reached.push(host);
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let covered = ["maa.test.example", "attest.example", "contoso.attest.example"];
    assert_eq!(reached, [&covered[..], &["localhost", "127.0.0.1"]].concat());
}

#[test]
fn who_does_not_know_the_services_ca_is_told_how_to_name_it() {
    let own = Folder::new("ca");
    let service = Service::dev(&own.path().join("data"), [""; 0]);
    let ca = service.ca.display().to_string();
    let list = ["provider", "list", "--url", service.url.as_str()];
    let refused = avouch(list).expect_status(2).stderr;
    assert!(refused.contains("UnknownIssuer") && refused.contains("with --ca FILE"), "{refused}");
    let known = avouch(list.into_iter().chain(["--ca", &ca]));
    assert!(!known.stderr.contains("--ca FILE"), "{}", known.stderr);
}
