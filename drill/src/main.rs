//! A service in a process of its own, limited in memory, under load that means it no good.
//!
//! `avouch-drill PROGRAM [JSON]` starts the program `avouch` with minted endorsements on loopback
//! and runs one scenario after the other, each for some seconds: while an attacker (this program
//! again, at the lowest priority) does its worst, a probe asks for `/healthz` and a good client has
//! evidence attested, each from an address of its own. It prints a table, and writes it as JSON.
//! It fails if a promise does not hold.

mod attack;
mod connect;
mod measure;
mod report;
mod scenario;
mod service;

use std::process::ExitCode;

/// What a part of the drill gives; a sentence says why it could not be done.
type Outcome<T> = Result<T, String>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["attack", name, port, ca, request] => attack::run(name, port, ca, request).await,
        [program] => scenario::all(program, None).await,
        [program, json] => scenario::all(program, Some(json)).await,
        _ => Err("usage: avouch-drill PROGRAM [JSON]".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            report::say(&format!("error: {reason}"));
            ExitCode::FAILURE
        }
    }
}
