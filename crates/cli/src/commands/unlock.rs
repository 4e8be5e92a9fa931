//! `avouch unlock`

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use avouch_release::KeyMaterial;
use clap::Args;
use serde_json::json;

use crate::client::{Stop, conclude};
use crate::failure::{Failure, Verdict, read_text};
use crate::guest::{GuestOptions, KeyRequest};
use crate::output::OutputOptions;

/// Get a key that is released to this guest alone, and give it to a program.
///
/// Attests the guest, has the key released, and starts the program with the key on its standard input:
/// a secret key as its bytes, another as PKCS#8 in DER. The key is in no file and no argument. A service
/// that does not answer is asked again; a refusal is final, and says which check failed.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  \
    avouch unlock --attest https://attest.example.org --vault https://vault.example.org --key disk \\\n    \
    --token-file /etc/avouch/vault-token -- cryptsetup open --key-file=- /dev/vda2 root")]
pub(crate) struct UnlockArgs {
    /// URL of the attestation provider.
    #[arg(long, value_name = "URL")]
    attest: String,
    /// URL of the vault.
    #[arg(long, value_name = "URL")]
    vault: String,
    /// The key: its name, or name/version.
    #[arg(long, value_name = "KEY")]
    key: String,
    /// A file with the bearer token for the vault.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// How often a service that does not answer is asked again.
    #[arg(long, value_name = "N", default_value_t = 10)]
    retries: u32,
    /// How long to wait before that, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    wait_seconds: u32,
    #[command(flatten)]
    guest: GuestOptions,
    /// The program that takes the key, with its arguments.
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

pub(crate) fn run(args: &UnlockArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let request = KeyRequest {
        attest: url(&args.attest)?,
        vault: url(&args.vault)?,
        kid: args.key.clone(),
        token: read_text(&args.token_file)?.trim().to_owned(),
    };
    let unlocked = key(args, &request)
        .and_then(|key| given(&args.program, &key).map_err(Stop::from))
        .and_then(|status| told(args, status, output).map_err(Stop::from));
    conclude(unlocked, output)
}

fn url(text: &str) -> Result<String, Failure> {
    match text.strip_prefix("https://") {
        Some(rest) if !rest.is_empty() => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err(Failure::Other(format!("{text} does not begin with https://"))),
    }
}

/// The key; who does not answer is asked again, who refuses is not.
fn key(args: &UnlockArgs, request: &KeyRequest) -> Result<KeyMaterial, Stop> {
    let mut left = args.retries;
    loop {
        match args.guest.key(request) {
            Err(Stop::Failure(failure)) if left > 0 => {
                left = left.saturating_sub(1);
                let seconds = args.wait_seconds;
                crate::output::note(&format!("{failure}; once more in {seconds} s"));
                std::thread::sleep(Duration::from_secs(seconds.into()));
            }
            done => return done,
        }
    }
}

/// Starts the program with the key on its standard input, and waits for its end.
fn given(program: &[OsString], key: &KeyMaterial) -> Result<std::process::ExitStatus, Failure> {
    let Some((name, arguments)) = program.split_first() else {
        return Err(Failure::Other("no program was named".to_owned()));
    };
    let failed = |error: std::io::Error| Failure::Other(format!("{}: {error}", name.display()));
    let mut child =
        Command::new(name).args(arguments).stdin(Stdio::piped()).spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not read its input says so by its status.
        let _ = stdin.write_all(key.secret_bytes());
    }
    child.wait().map_err(failed)
}

fn told(
    args: &UnlockArgs,
    status: std::process::ExitStatus,
    output: OutputOptions,
) -> Result<Verdict, Failure> {
    let answer = json!({"key": args.key, "program_status": status.code()});
    output.answer(&answer, || {
        format!("key {} was released; the program ended: {status}", args.key)
    })?;
    Ok(Verdict::of(status.success()))
}
