//! Steps four and five of `avouch verify`: what the publisher says, and where it is written down.

use std::path::{Path, PathBuf};

use avouch_client::{Measurements, Publication};
use avouch_token::{BarePublicKey, Jwks};
use avouch_wire::{FailedCheck as _, UnixTime};
use clap::Args;

use crate::client::{Http, ServiceUrl, Steps};
use crate::commands::endorsements::write_whole;
use crate::commands::measurements::{Issued, Transparency, Witnesses, read_issued};
use crate::failure::{Failure, read};
use crate::policy_signer::public_key;

/// Where a service hands out the signed list, below its URL.
const LIST_PATH: &str = "/.well-known/avouch-measurements";
/// Where it hands out the statement over it, with receipts.
const STATEMENT_PATH: &str = "/.well-known/avouch-measurements/statement";

/// What the publisher says, and who is believed.
#[derive(Debug, Args)]
pub(super) struct PublishedArgs {
    /// The measurements that the publisher lists, a file; a service that runs anything else is refused.
    /// With --publisher-key and --provider, what the service hands out if no file is given.
    #[arg(long, value_name = "FILE")]
    measurements: Option<PathBuf>,
    /// A key of the publisher of the measurements, PEM (PUBLIC KEY); the list must then be signed by it. Never the
    /// service's own key. May be repeated.
    #[arg(long, value_name = "FILE")]
    publisher_key: Vec<PathBuf>,
    /// Remember the list in this file, and refuse one that is older or takes back what was announced.
    #[arg(long, value_name = "FILE", requires = "publisher_key")]
    measurements_state: Option<PathBuf>,
    /// The publisher's statement over the list, with receipts of a ledger in it or beside it (--receipt). With
    /// --ledger-key and --provider, what the service hands out if no file is given.
    #[arg(long, value_name = "FILE", requires = "ledger_key")]
    statement: Option<PathBuf>,
    /// A receipt for the statement; may be repeated.
    #[arg(long, value_name = "FILE", requires = "statement")]
    receipt: Vec<PathBuf>,
    /// The key of a ledger that is trusted: a public key or certificate in PEM, or a key set in JSON; may be
    /// repeated.
    #[arg(long, value_name = "FILE", requires = "publisher_key")]
    ledger_key: Vec<PathBuf>,
}

/// What was published, as far as it counts.
#[derive(Default)]
pub(super) struct Published {
    issued: Option<Issued>,
    pub(super) transparency: Option<Transparency>,
}

impl Published {
    pub(super) fn measurements(&self) -> Option<&Measurements> {
        self.issued.as_ref().map(Issued::measurements)
    }
}

impl PublishedArgs {
    /// Whether a list is asked for.
    pub(super) const fn is_given(&self) -> bool {
        self.measurements.is_some() || !self.publisher_key.is_empty()
    }

    /// Reads or fetches what was published, and checks all that does not need the service.
    pub(super) fn read(
        &self,
        service: Option<(&Http, &ServiceUrl)>,
        keys: &Jwks,
        at: UnixTime,
        steps: &mut Steps,
    ) -> Result<Published, Failure> {
        if !self.is_given() {
            return Ok(Published::default());
        }
        let publishers = self.publisher_key.iter().map(|path| public_key(path));
        let publishers = publishers.collect::<Result<Vec<_>, _>>()?;
        let from = "--measurements FILE, or --provider URL to fetch the list from";
        let (name, bytes) = document(self.measurements.as_deref(), LIST_PATH, service, from)?;
        let issued = match read_issued(&name, &bytes, &publishers, at)? {
            Ok(issued) => issued,
            Err(refused) => {
                steps.failed(refused.check, refused.message);
                return Ok(Published::default());
            }
        };
        tell(&issued, keys, steps);
        let published = issued.publication();
        if let (Some(file), Some(issue)) = (&self.measurements_state, published) {
            follow(file, issue, steps)?;
        }
        let transparency = match published {
            Some(issue) if !self.ledger_key.is_empty() => {
                Some(self.transparency(service, &publishers, issue, at)?)
            }
            _ => None,
        };
        Ok(Published { issued: Some(issued), transparency })
    }

    fn transparency(
        &self,
        service: Option<(&Http, &ServiceUrl)>,
        publishers: &[BarePublicKey],
        issue: &Publication,
        at: UnixTime,
    ) -> Result<Transparency, Failure> {
        let from = "--statement FILE, or --provider URL to fetch the statement from";
        let (_, statement) = document(self.statement.as_deref(), STATEMENT_PATH, service, from)?;
        let witnesses = Witnesses { receipts: &self.receipt, ledger_keys: &self.ledger_key };
        witnesses.verify(&statement, issue, publishers, at)
    }
}

/// The file, or what the service hands out at a path; with its name.
fn document(
    file: Option<&Path>,
    path: &str,
    service: Option<(&Http, &ServiceUrl)>,
    from: &str,
) -> Result<(String, Vec<u8>), Failure> {
    if let Some(file) = file {
        return Ok((file.display().to_string(), read(file)?));
    }
    let Some((http, url)) = service else { return Err(Failure::Other(format!("give {from}"))) };
    let answer = http.get(url.at(path))?;
    if !answer.status.is_success() {
        let text =
            format!("{}: the service hands out nothing there ({})", answer.url, answer.status);
        return Err(Failure::Other(text));
    }
    Ok((answer.url, answer.body))
}

/// Says who signed; a service that signs its own list vouches for itself.
fn tell(issued: &Issued, keys: &Jwks, steps: &mut Steps) {
    const NAME: &str = "measurements-signature";
    let Issued::Signed(verified) = issued else {
        steps.not_checked(NAME, "the list is not signed: its file is trusted as it is");
        return;
    };
    match verified.check_not_of(keys) {
        Ok(()) => {
            let (issue, key) = (verified.publication().issue(), verified.key().id());
            let told = format!(
                "issue {} of {:?}, in force until {}, by key {key}",
                issue.sequence, issue.publisher, issue.expires_at
            );
            steps.passed(NAME, told);
        }
        Err(error) => steps.failed(error.check(), error.to_string()),
    }
}

/// Compares the issue with the one that was accepted last, and keeps the newer.
fn follow(file: &Path, issue: &Publication, steps: &mut Steps) -> Result<(), Failure> {
    const NAME: &str = "measurements-announcements";
    let seen = match std::fs::read(file) {
        Ok(bytes) => Some(
            Publication::parse(&bytes)
                .map_err(|error| Failure::Other(format!("{}: {error}", file.display())))?,
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => return Err(Failure::Read { path: file.to_owned(), source }),
    };
    match &seen {
        Some(seen) => match issue.check_follows(seen) {
            Ok(()) => {
                let sequence = seen.issue().sequence;
                steps.passed(NAME, format!("takes nothing back that issue {sequence} announced"));
            }
            Err(error) => {
                steps.failed(error.check(), error.to_string());
                return Ok(());
            }
        },
        None => steps.not_checked(NAME, "no issue was accepted before"),
    }
    // What the service itself would sign is not kept.
    if steps.failure().is_some() {
        return Ok(());
    }
    let document = issue.to_document().map_err(Failure::other)?;
    write_whole(file, document.as_bytes())
}
