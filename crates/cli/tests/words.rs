//! What the command says when something is wrong: each message names what to do. The messages stand
//! in `golden/words.txt`; `UPDATE_GOLDEN=1` writes it, and what it says is reviewed like code.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

mod common;

use std::net::TcpListener;
use std::path::Path;

use common::{AT, Folder, avouch, avouch_json};
use serde_json::Value;

/// The last line that says what is wrong, without what differs from run to run.
fn said(arguments: &[&str], own: &Folder, port: u16) -> String {
    let run = avouch(arguments.iter().copied()).expect_status(2);
    let line = run.stderr.lines().find(|line| line.starts_with("error: ")).unwrap_or_default();
    let line = line.replace(&own.path().display().to_string(), "FOLDER");
    line.replace(&port.to_string(), "PORT")
}

#[test]
fn errors_name_what_to_do() {
    let own = Folder::new("words");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let data = own.path().join("data").display().to_string();
    let listen = format!("127.0.0.1:{port}");
    let missing = own.path().join("missing.pem").display().to_string();
    let config = own.path().join("avouch.toml");
    std::fs::write(&config, format!("[signing]\nkey_file = {missing:?}\n")).unwrap();
    let config = config.display().to_string();
    let cases: [(&str, &[&str]); 4] = [
        ("a taken port", &["serve", "--dev", "--listen", &listen, "--data-dir", &data]),
        ("a trust root without --dev", &["serve", "--trust-root", "root.pem"]),
        (
            "no signing key",
            &[
                "serve",
                "--dev",
                "--config",
                &config,
                "--data-dir",
                &data,
                "--listen",
                "127.0.0.1:0",
            ],
        ),
        ("an unknown kind", &["mint", "sev", "--at", AT]),
    ];
    let all: String = cases
        .iter()
        .map(|(what, words)| format!("{what}\n    {}\n", said(words, &own, port)))
        .collect();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/words.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(golden.parent().unwrap()).unwrap();
        std::fs::write(&golden, &all).unwrap();
    }
    assert_eq!(all, std::fs::read_to_string(&golden).unwrap_or_default());
}

#[test]
fn errors_are_one_json_document_where_json_is_asked_for() {
    for (arguments, check) in [
        (&["inspect", "/nonexistent"][..], "read"),
        (&["inspect"], "usage"),
        (&["mint", "sev"], "usage"),
        (&["verify", "/nonexistent", "--jwks", "/nonexistent"], "read"),
    ] {
        let report: Value = avouch_json(arguments.iter().copied()).expect_status(2).json();
        assert_eq!(report["error"]["check"], check, "{report}");
        assert!(!report["error"]["message"].as_str().unwrap().is_empty());
    }
}
