//! Steps four and five of `avouch verify`: what the publisher says, and where it is written down.

use std::path::{Path, PathBuf};

use avouch_client::{
    CodePublisher, KnownPublication, PublishedCode, TransparencyError, TransparentCode,
    UvmMeasurement,
};
use avouch_snp::uvm::{DidX509, UvmTrust};
use avouch_token::{BarePublicKey, Jwks};
use avouch_wire::{FailedCheck as _, UnixTime};
use clap::Args;

use super::state::follow;
use crate::client::{Http, ServiceUrl, Steps};
use crate::commands::measurements::{Issued, IssuedList, Transparency, Witnesses, read_issued};
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
    /// Remember the list in this file, and refuse one that is older or takes back what was announced. What was announced
    /// too late for you to know of it is in force for you two months after you first saw it.
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
    #[arg(long, value_name = "FILE")]
    ledger_key: Vec<PathBuf>,
    /// Instead of a list: whose statement over the service's code counts, a did:x509 identifier, as of Microsoft's
    /// services. The statement says itself what runs.
    #[arg(long, value_name = "DID", requires_all = ["statement_subject", "ledger_key"],
        conflicts_with_all = ["publisher_key", "measurements"])]
    statement_issuer: Option<String>,
    /// What that statement must be about (`sub`).
    #[arg(long, value_name = "TEXT", requires = "statement_issuer")]
    statement_subject: Option<String>,
    /// The least security version of that statement (`svn`) [default: any, or none].
    #[arg(long, value_name = "NUMBER", requires = "statement_issuer")]
    statement_svn: Option<u64>,
}

/// What was published, as far as it counts.
#[derive(Default)]
pub(super) struct Published {
    issued: Option<Issued>,
    known: Option<KnownPublication>,
    transparency: Option<Transparency>,
    stated: Option<Result<TransparentCode, TransparencyError>>,
}

impl Published {
    /// The code that may run, and where that is written down.
    pub(super) fn code(&self) -> Option<PublishedCode<'_>> {
        match &self.stated {
            Some(Ok(code)) => return Some(PublishedCode::Stated(code)),
            Some(Err(error)) => return Some(PublishedCode::NotStated(error)),
            None => {}
        }
        let known = self.known.as_ref().map(KnownPublication::measurements);
        let list = known.or_else(|| self.issued.as_ref().map(Issued::measurements))?;
        Some(match &self.transparency {
            None => PublishedCode::List(list),
            Some(Ok(publication)) => PublishedCode::Transparent(publication),
            Some(Err(error)) => PublishedCode::NotTransparent(list, error),
        })
    }
}

impl PublishedArgs {
    /// Whether a list is asked for.
    pub(super) const fn is_given(&self) -> bool {
        self.measurements.is_some()
            || !self.publisher_key.is_empty()
            || self.statement_issuer.is_some()
    }

    /// Reads or fetches what was published, and checks all that does not need the service.
    pub(super) fn read(
        &self,
        service: Option<(&Http, &ServiceUrl)>,
        keys: &Jwks,
        at: UnixTime,
        steps: &mut Steps,
    ) -> Result<Published, Failure> {
        if let Some(issuer) = &self.statement_issuer {
            let stated = Some(self.stated(service, issuer, at)?);
            return Ok(Published { stated, ..Published::default() });
        }
        if !self.ledger_key.is_empty() && self.publisher_key.is_empty() {
            let text = "--ledger-key: give --publisher-key FILE, or --statement-issuer DID";
            return Err(Failure::Other(text.to_owned()));
        }
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
        let known = match (&self.measurements_state, published) {
            (Some(file), Some(issue)) => follow(file, issue, at, steps)?,
            _ => None,
        };
        let list = match (&known, published) {
            (Some(known), _) => Some(IssuedList::Known(known)),
            (None, issue) => issue.map(IssuedList::Issue),
        };
        let transparency = match list {
            Some(list) if !self.ledger_key.is_empty() => {
                Some(self.transparency(service, &publishers, list, at)?)
            }
            _ => None,
        };
        Ok(Published { issued: Some(issued), known, transparency, stated: None })
    }

    fn transparency(
        &self,
        service: Option<(&Http, &ServiceUrl)>,
        publishers: &[BarePublicKey],
        list: IssuedList<'_>,
        at: UnixTime,
    ) -> Result<Transparency, Failure> {
        let statement = self.statement(service)?;
        self.witnesses().verify(&statement, list, publishers, at)
    }

    /// What a statement says of code whose signer is known by its certificates.
    fn stated(
        &self,
        service: Option<(&Http, &ServiceUrl)>,
        issuer: &str,
        at: UnixTime,
    ) -> Result<Result<TransparentCode, TransparencyError>, Failure> {
        let issuer = DidX509::parse(issuer)
            .map_err(|error| Failure::Other(format!("--statement-issuer: {error}")))?;
        let publisher = CodePublisher {
            issuer,
            subject: self.statement_subject.clone().unwrap_or_default(),
            minimum_svn: self.statement_svn.unwrap_or(0),
        };
        let vms = UvmTrust::default().entries.into_iter().map(|entry| UvmMeasurement {
            issuer: entry.issuer,
            feed: entry.feed,
            minimum_svn: entry.minimum_svn,
        });
        let vms: Vec<UvmMeasurement> = vms.collect();
        let statement = self.statement(service)?;
        self.witnesses().verify_code(&statement, &[publisher], &vms, at)
    }

    fn statement(&self, service: Option<(&Http, &ServiceUrl)>) -> Result<Vec<u8>, Failure> {
        let from = "--statement FILE, or --provider URL to fetch the statement from";
        let (_, statement) = document(self.statement.as_deref(), STATEMENT_PATH, service, from)?;
        Ok(statement)
    }

    fn witnesses(&self) -> Witnesses<'_> {
        Witnesses { receipts: &self.receipt, ledger_keys: &self.ledger_key }
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
