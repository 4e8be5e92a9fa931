//! `avouch unlock`

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use avouch_release::KeyMaterial;
use avouch_server::keys::hide_memory;
use clap::Args;
use serde_json::json;

use crate::client::{Stop, conclude};
use crate::failure::{Failure, Verdict, read_text};
use crate::guest::{GuestOptions, KeyRequest};
use crate::output::OutputOptions;

/// What whoever is refused can do.
const WHO_MAY_KNOW: &str = "it is of no use to try again; which condition failed stands in the vault's log \
    and audit trail, and is told to callers that may read the key's policy";

/// Get a key that is released to this guest alone, and give it to a program.
///
/// Attests the guest, has the key released, and starts the program with the key on its standard input:
/// a secret key as its bytes, another as PKCS#8 in DER. The key is in no file and no argument. A service
/// that does not answer is asked again; a refusal is final, and says which check failed, or, to whoever
/// may not read the key's policy, which of four things was wrong.
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
    /// How long to wait before that, in seconds; longer if the service asks for it.
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    wait_seconds: u32,
    /// After how long to give up, in seconds: no attempt begins later.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    give_up_seconds: u32,
    #[command(flatten)]
    guest: GuestOptions,
    /// The program that takes the key, with its arguments.
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

pub(crate) fn run(args: &UnlockArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    hide_memory();
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
    let begun = Instant::now();
    let give_up = Duration::from_secs(args.give_up_seconds.into());
    let mut left = args.retries;
    loop {
        let failure = match args.guest.key(request) {
            Err(Stop::Failure(failure)) => failure,
            Err(Stop::Refused(refusal)) => {
                if refusal.status == Some(403) {
                    crate::output::note(WHO_MAY_KNOW);
                }
                return Err(refusal.into());
            }
            Ok(key) => return Ok(key),
        };
        let seconds = match &failure {
            Failure::Later { seconds, .. } => args.wait_seconds.max(*seconds),
            _ => args.wait_seconds,
        };
        let wait = Duration::from_secs(seconds.into());
        let is_over = begun.elapsed().saturating_add(wait) > give_up;
        if left == 0 || is_over {
            let waited = begun.elapsed().as_secs();
            crate::output::note(&format!("given up after {waited} s: {}", limit(args, is_over)));
            return Err(failure.into());
        }
        left = left.saturating_sub(1);
        crate::output::note(&format!("{failure}; once more in {seconds} s"));
        std::thread::sleep(wait);
    }
}

/// Which limit ends the attempts.
fn limit(args: &UnlockArgs, is_over: bool) -> String {
    if is_over {
        return format!("--give-up-seconds is {}", args.give_up_seconds);
    }
    format!("--retries is {}", args.retries)
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
