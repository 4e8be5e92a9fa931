//! `avouch endorsements import`

mod place;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use avouch_endorsements::{
    Bundle, BundleDiff, BundleError, EndorsementName, EndorsementSet, ProofError, Proven,
    Published, prove,
};
use avouch_engine::{Anchors, AppraisalSettings};
use avouch_token::policy_jws::{VerifiedSigner, authorize_signer};
use avouch_token::verify_bare_signature;
use avouch_wire::{FailedCheck as _, UnixTime, excerpt};
use clap::Args;
use place::Place;
use serde::Serialize;

use super::files::{refuse, refuse_bundle};
use super::signed::signature_file;
use crate::failure::{Failure, Verdict, read, read_text};
use crate::fleet::{Fleet, Judge, Outcome};
use crate::output::{OutputOptions, note, printable};
use crate::policy_signer::{certificates, public_key};
use crate::rules::RuleArgs;
use crate::setup;

/// Take a bundle's endorsements into a folder that the service reads, or into its database.
///
/// All of the bundle is verified first: the operator's signature, if certificates or keys are given, and that of
/// each vendor at the moment. If anything does not verify, nothing is imported. No CRL and no document
/// takes the place of a newer one. A folder then has one more file, `imported.json`, written whole; a
/// running service has what was imported into its database in force within seconds.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch endorsements import site.json --into /etc/avouch/endorsements --certificate operator.pem\n  \
    avouch endorsements import site.json --config /etc/avouch/avouch.toml --certificate operator.pem\n  \
    avouch endorsements import site.json --into endorsements --dry-run --evidence fleet/")]
pub(super) struct ImportArgs {
    /// The bundle.
    file: PathBuf,
    /// The folder, one of the service's `endorsements.paths`.
    #[arg(long, value_name = "DIR", required_unless_present = "config", conflicts_with = "config")]
    into: Option<PathBuf>,
    /// A service's configuration: into its database. Its trust roots count too.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The service's data folder, if its configuration names none.
    #[arg(long, value_name = "DIR", requires = "config")]
    data_dir: Option<PathBuf>,
    /// Take only what the key of this certificate signed, or one that it issued: PEM; may be repeated.
    #[arg(long, value_name = "PEM", group = "trusted_signer")]
    certificate: Vec<PathBuf>,
    /// Take only what this key signed: a public key in PEM, Ed25519, RSA, P-256 or P-384; may be repeated.
    #[arg(long, value_name = "PEM", group = "trusted_signer")]
    public_key: Vec<PathBuf>,
    /// The signature [default: the bundle's name with .sig].
    #[arg(long, value_name = "FILE", requires = "trusted_signer")]
    signature: Option<PathBuf>,
    /// Verify and compare only, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Judge the evidence in this folder by what is there now and by what would be there, and say which
    /// machines change verdict. Policies are the default ones.
    #[arg(long, value_name = "DIR", requires = "dry_run")]
    evidence: Option<PathBuf>,
    #[command(flatten)]
    rules: RuleArgs,
}

#[derive(Serialize)]
struct Answer {
    /// Where it is now: the file, or the database.
    file: String,
    written: bool,
    signer: Option<String>,
    #[serde(flatten)]
    diff: BundleDiff,
    /// Names of which something newer is kept.
    kept: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    machines: Option<Vec<Change>>,
}

/// What becomes of one machine.
#[derive(Serialize)]
struct Change {
    file: String,
    kind: &'static str,
    old: Outcome,
    new: Outcome,
}

pub(super) fn run(args: &ImportArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let at = args.rules.acceptance.at();
    let (settings, mut trust_roots) = args.rules.acceptance.settings()?;
    let place = Place::of(args)?;
    trust_roots.extend(place.trust_roots());
    let anchors = args.rules.trust.anchors(trust_roots)?;
    let bytes = read(&args.file)?;
    let signer = match signer(args, &bytes, at)? {
        Ok(signer) => signer,
        Err((check, message)) => return refuse(check, &message, output),
    };
    let source = args.file.display().to_string();
    let new = match Bundle::read(&bytes, &source, at) {
        Ok(bundle) => bundle,
        Err(error) => return refuse_bundle(&error, output),
    };
    let new_proving = Proving::new(&new, &anchors, at);
    if let Err((check, message)) = prove_all(&new_proving) {
        return refuse(check, &message, output);
    }
    let (old, revision) = place.imported(at)?;
    let old_proving = Proving::new(&old, &anchors, at);
    let (merged, kept) = match merge(&old_proving, &new_proving) {
        Ok(merged) => merged,
        Err(error) => return refuse_bundle(&error, output),
    };
    let machines = match &args.evidence {
        None => None,
        Some(folder) => {
            Some(changes(args, folder, &place, [&old, &merged], (&settings, &anchors))?)
        }
    };
    let diff = BundleDiff::of(&old, &merged);
    if !args.dry_run {
        let bundle = merged.write().map_err(Failure::other)?;
        place.put(&bundle, revision, signer.as_deref(), setup::present())?;
    }
    let file = place.to_string();
    let answer = Answer { file, written: !args.dry_run, signer, diff, kept, machines };
    output.answer(&answer, || text(&answer))?;
    Ok(Verdict::of(answer.failing().next().is_none()))
}

type Refusal = (&'static str, String);

/// Who signed the bundle, if that is to be checked.
fn signer(
    args: &ImportArgs,
    bundle: &[u8],
    at: UnixTime,
) -> Result<Result<Option<String>, Refusal>, Failure> {
    let file = args.signature.clone().unwrap_or_else(|| signature_file(&args.file));
    if !args.public_key.is_empty() {
        return signing_key(args, &file, bundle);
    }
    if args.certificate.is_empty() {
        if file.exists() {
            note(
                "warning: who signed the bundle is not checked: give --certificate or --public-key",
            );
        }
        return Ok(Ok(None));
    }
    let trusted: Vec<_> =
        args.certificate.iter().map(|path| certificates(path)).collect::<Result<_, _>>()?;
    let signature = read_text(&file)?;
    let signer = match VerifiedSigner::verify_detached(&signature, bundle) {
        Ok(signer) => signer,
        Err(error) => {
            return Ok(Err((error.check(), format!("{}: {error}", file.display()))));
        }
    };
    Ok(match authorize_signer(&signer, &trusted.concat(), at) {
        Ok(_) => Ok(signer.certificate().map(|found| found.subject().to_string())),
        Err(error) => Err((error.check(), format!("{}: {error}", file.display()))),
    })
}

/// The same by a key that is trusted by itself.
fn signing_key(
    args: &ImportArgs,
    file: &Path,
    bundle: &[u8],
) -> Result<Result<Option<String>, Refusal>, Failure> {
    let trusted: Vec<_> =
        args.public_key.iter().map(|path| public_key(path)).collect::<Result<_, _>>()?;
    let signature = read_text(file)?;
    Ok(match verify_bare_signature(&signature, bundle, &trusted) {
        Ok(key) => Ok(Some(format!("key {}", key.id()))),
        Err(error) => Err((error.check(), format!("{}: {error}", file.display()))),
    })
}

/// A bundle whose things are proven one by one.
struct Proving<'a> {
    bundle: &'a Bundle,
    anchors: &'a Anchors,
    at: UnixTime,
    /// The same, to find what is above a thing.
    set: EndorsementSet,
}

impl<'a> Proving<'a> {
    fn new(bundle: &'a Bundle, anchors: &'a Anchors, at: UnixTime) -> Self {
        let all = bundle.things().iter().map(|thing| Published::clone(&thing.published));
        let set = EndorsementSet::default().with(all.collect());
        Self { bundle, anchors, at, set }
    }

    fn prove(&self, published: &Published) -> Result<Proven, ProofError> {
        let above = self.set.above(published, self.at);
        let above: Vec<&Published> = above.iter().map(|one| &**one).collect();
        prove(published, &above, self.anchors, self.at)
    }

    fn by_name(&self) -> BTreeMap<EndorsementName, OfName<'a>> {
        let mut found: BTreeMap<EndorsementName, OfName<'a>> = BTreeMap::new();
        for thing in self.bundle.things() {
            let published = &thing.published;
            let is_vcek = matches!(published.name, EndorsementName::Vcek(..));
            let proven = if is_vcek { None } else { self.prove(published).ok() };
            let own = OfName { things: vec![published], proven };
            match found.get_mut(&published.name) {
                None => drop(found.insert(published.name, own)),
                Some(before) if is_vcek => before.things.push(published),
                Some(before) if own.may_replace(before, self.at) => *before = own,
                Some(_) => {}
            }
        }
        found
    }
}

/// That a vendor signed each thing, for what its name says, in force at the moment.
fn prove_all(proving: &Proving<'_>) -> Result<(), Refusal> {
    let mut refusals = proving.bundle.things().iter().filter_map(|thing| {
        let error = proving.prove(&thing.published).err()?;
        Some((error.check(), format!("{}: {error}", thing.published.name)))
    });
    let Some((check, first)) = refusals.next() else { return Ok(()) };
    match refusals.count() {
        0 => Err((check, first)),
        more => Err((check, format!("{first}; and {more} more do not verify"))),
    }
}

/// Both, the new in place of the old where it may be; and the names of which the old is kept.
fn merge(old: &Proving<'_>, new: &Proving<'_>) -> Result<(Bundle, Vec<String>), BundleError> {
    let mut merged = old.by_name();
    let mut kept = Vec::new();
    for (name, came) in new.by_name() {
        let is_newer = merged.get(&name).is_none_or(|before| came.may_replace(before, new.at));
        if is_newer {
            merged.insert(name, came);
        } else {
            kept.push(name.to_string());
        }
    }
    let things = merged.into_values().flat_map(|entry| entry.things);
    Ok((Bundle::new(things.map(Arc::clone))?, kept))
}

/// What a bundle has of one name: of VCEKs all, of others the newest.
struct OfName<'a> {
    things: Vec<&'a Arc<Published>>,
    /// None of VCEKs, of which none is older than another, and of what does not verify any more.
    proven: Option<Proven>,
}

impl OfName<'_> {
    /// What does not verify any more protects nothing.
    fn may_replace(&self, before: &Self, at: UnixTime) -> bool {
        let Some(before) = &before.proven else { return true };
        self.proven.as_ref().is_some_and(|new| new.may_replace(before, at))
    }
}

/// What each machine's verdict is under the first and under the second.
fn changes(
    args: &ImportArgs,
    folder: &Path,
    place: &Place,
    bundles: [&Bundle; 2],
    (settings, anchors): (&AppraisalSettings, &Anchors),
) -> Result<Vec<Change>, Failure> {
    let fleet = Fleet::read(folder)?;
    for other in &fleet.others {
        note(&format!("warning: {} is no evidence", excerpt(other)));
    }
    let judge = |bundle: &Bundle| {
        let set = place.endorsements_with(bundle)?;
        Ok::<_, Failure>(Judge::new(set, &args.rules, settings.clone(), anchors.clone()))
    };
    let [old, new] = [judge(bundles[0])?, judge(bundles[1])?];
    let change = |machine: &crate::fleet::Machine| {
        Ok(Change {
            file: machine.name.clone(),
            kind: machine.request.kind.name(),
            old: old.judge(machine)?,
            new: new.judge(machine)?,
        })
    };
    fleet.machines.iter().map(change).collect()
}

impl Change {
    fn is_change(&self) -> bool {
        self.old.is_permit() != self.new.is_permit()
    }
}

impl Answer {
    /// Machines that are accepted now and would not be.
    fn failing(&self) -> impl Iterator<Item = &Change> {
        let machines = self.machines.iter().flatten();
        machines.filter(|machine| machine.old.is_permit() && !machine.new.is_permit())
    }
}

fn text(answer: &Answer) -> String {
    let file = printable(&answer.file);
    let mut text = match answer.written {
        true => format!("imported into {file}\n"),
        false => format!("verified; nothing was written to {file}\n"),
    };
    if let Some(signer) = &answer.signer {
        text.push_str(&format!("signed by {}\n", printable(signer)));
    }
    text.push_str(&format!("\n{}", super::diff::text(&answer.diff)));
    for name in &answer.kept {
        text.push_str(&format!("= {name}  kept: the bundle's is older\n"));
    }
    let Some(machines) = &answer.machines else { return text };
    let changed = machines.iter().filter(|machine| machine.is_change());
    let rows: Vec<String> = changed.map(change_text).collect();
    let (of, all) = (rows.len(), machines.len());
    text.push_str(&format!("\n{of} of {all} machines change verdict\n{}", rows.concat()));
    text
}

fn change_text(change: &Change) -> String {
    let Change { file, old, new, .. } = change;
    let reason = new.reason.as_deref().unwrap_or("accepted");
    let (old, new) = (old.decision, new.decision);
    format!("  {}  {old} -> {new}: {}\n", printable(file), printable(reason))
}
