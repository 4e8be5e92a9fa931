//! The file in which a relying party keeps the last list that it accepted.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use avouch_client::{KnownPublication, Publication};
use avouch_wire::{FailedCheck as _, UnixTime};

use crate::client::Steps;
use crate::commands::endorsements::write_whole;
use crate::failure::Failure;

/// How long another run may hold the file.
const WAIT_AT_MOST: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Compares an issue with the one that was accepted last, and keeps the newer: what it lists counts from when this party was
/// told. None if it is refused. Of several runs at once one comes after the other.
pub(super) fn follow(
    file: &Path,
    issue: &Publication,
    at: UnixTime,
    steps: &mut Steps,
) -> Result<Option<KnownPublication>, Failure> {
    const NAME: &str = "measurements-announcements";
    // Held until all is written.
    let _held = hold(file)?;
    let known = match kept(file)? {
        Some(seen) => match seen.follow(issue, at) {
            Ok(known) => {
                let sequence = seen.publication().issue().sequence;
                let told = format!("takes nothing back that issue {sequence} announced");
                steps.passed(NAME, told + &delays(&known));
                known
            }
            Err(error) => {
                steps.failed(error.check(), error.to_string());
                return Ok(None);
            }
        },
        None => {
            steps.not_checked(NAME, "no issue was accepted before");
            KnownPublication::begin(issue.clone(), at)
        }
    };
    // What the service itself would sign is not kept.
    if steps.failure().is_none() {
        let document = known.to_document().map_err(Failure::other)?;
        write_whole(file, document.as_bytes())?;
    }
    Ok(Some(known))
}

/// What was announced so that this party could not know of it for two months.
fn delays(known: &KnownPublication) -> String {
    let told = |(name, from)| {
        format!("; {name:?} is in force from {from} on for you, who could not see it announced")
    };
    known.delayed().map(told).collect()
}

fn kept(file: &Path) -> Result<Option<KnownPublication>, Failure> {
    match std::fs::read(file) {
        Ok(bytes) => KnownPublication::parse(&bytes)
            .map(Some)
            .map_err(|error| Failure::Other(format!("{}: {error}", file.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Failure::Read { path: file.to_owned(), source }),
    }
}

/// Holds the file alone, by a lock on one beside it: it is itself replaced when it is written.
fn hold(file: &Path) -> Result<File, Failure> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let path = file.with_file_name(name);
    let failed = |source| Failure::Write { path: path.clone(), source };
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(failed)?;
    let began = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if began.elapsed() < WAIT_AT_MOST => {
                std::thread::sleep(LOOK_EVERY);
            }
            Err(TryLockError::WouldBlock) => {
                let path = path.display();
                return Err(Failure::Other(format!("{path}: another run holds it for 10 s")));
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

#[cfg(test)]
mod tests;
