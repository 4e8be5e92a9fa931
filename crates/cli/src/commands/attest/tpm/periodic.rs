//! Attests again and again, until the process is asked to stop.

use std::pin::pin;

use avouch_attester::{Outcome, Schedule};
use clap::Args;
use tokio::runtime::Builder;

use crate::client::Stop;
use crate::failure::{Failure, Verdict};
use crate::output::{note, printable};
use crate::setup::stop_signal;

/// When to attest again.
#[derive(Debug, Args)]
#[command(next_help_heading = "Periodic attestation")]
pub(super) struct PeriodicArgs {
    /// Attest every so many seconds until the process is stopped; give less than the tokens' life. What
    /// goes wrong is told on standard error and tried again, after 5 s at first, then ever more slowly.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    every: Option<u64>,
    /// Up to so many seconds sooner, at random, so that not all machines come at once; at most half the
    /// interval.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, requires = "every")]
    jitter: u64,
}

impl PeriodicArgs {
    pub(super) fn schedule(&self) -> Option<Schedule> {
        Some(Schedule::new(self.every?, self.jitter))
    }
}

/// Runs `attest` by the schedule; tokens go to a file, which must be named.
pub(super) fn run(
    mut schedule: Schedule,
    has_file: bool,
    mut attest: impl FnMut() -> Result<(), Stop>,
) -> Result<Verdict, Failure> {
    if !has_file {
        return Err(Failure::other("--every needs --token-out FILE, which holds the last token"));
    }
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::other)?;
    // From here on a signal ends the waiting, not an attestation.
    let stopped = {
        let _within = runtime.enter();
        stop_signal()
    };
    let mut stopped = pin!(stopped);
    loop {
        let outcome = told(attest());
        let wait = schedule.next(outcome, random()?);
        let ends = runtime.block_on(async {
            tokio::select! {
                () = &mut stopped => true,
                () = tokio::time::sleep(wait) => false,
            }
        });
        if ends {
            return Ok(Verdict::Yes);
        }
    }
}

/// Tells how an attestation ended.
fn told(result: Result<(), Stop>) -> Outcome {
    match result {
        Ok(()) => {
            note("attested");
            Outcome::Attested
        }
        Err(Stop::Refused(refusal)) => {
            let (code, message) = (printable(&refusal.code), printable(&refusal.message));
            note(&format!("refused: {code}: {message}"));
            Outcome::Refused
        }
        Err(Stop::Failure(failure)) => {
            note(&format!("error: {}", printable(&failure.to_string())));
            Outcome::Failed
        }
    }
}

fn random() -> Result<u64, Failure> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(Failure::other)?;
    Ok(u64::from_be_bytes(bytes))
}
