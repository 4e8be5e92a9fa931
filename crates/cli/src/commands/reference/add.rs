//! `avouch reference add`

use std::path::{Path, PathBuf};

use avouch_engine::{ReferenceSample, ReferenceValues};
use avouch_server::config::reference_values;
use clap::Args;
use serde_json::json;

use crate::failure::{Failure, Verdict, read_text};
use crate::output::OutputOptions;
use crate::sample::{NotGood, Sample, SampleArgs};

/// How many bytes of a measurement make a name.
const NAME_DIGITS: usize = 8;

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    #[command(flatten)]
    sample: SampleArgs,
    /// The file of reference values, which `appraisal.reference_values` names; it is made if it is not
    /// there.
    #[arg(long, value_name = "FILE", default_value = "reference-values.toml")]
    file: PathBuf,
    /// What to call them [default: the kind, or paravisor, and the first digits of the measurement].
    #[arg(long)]
    name: Option<String>,
    /// The value of `x-ms-compliance-status` that they stand for [default: that of the file, else
    /// azure-compliant-cvm, but none for guests whose virtual TPM is not Azure's].
    #[arg(long, value_name = "TEXT")]
    status: Option<String>,
    /// The machine is a paravisor's: what it binds speaks for the virtual TPM that it gives the guest
    /// [default: of guest attestation]. Never for a guest whose administrator asks for its evidence.
    #[arg(long)]
    paravisor: bool,
}

impl AddArgs {
    fn is_paravisor(&self, sample: &Sample) -> bool {
        self.paravisor || sample.appraisal.facts.rests_on_paravisor()
    }
}

pub(super) fn run(args: &AddArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let sample = match args.sample.verify()? {
        Ok(sample) => sample,
        Err(not_good) => return refuse(&not_good, output),
    };
    let entry = match entry(&sample, args) {
        Ok(entry) => entry,
        Err(not_good) => return refuse(&not_good, output),
    };
    let (name, text) = match &entry {
        ReferenceSample::Snp(values) => (&values.name, table("snp", values)?),
        ReferenceSample::Tdx(values) => (&values.name, table("tdx", values)?),
    };
    let held = held(&args.file)?;
    let values = read_values(&args.file, &held)?;
    let is_paravisor = args.is_paravisor(&sample);
    let known = sample.appraisal.facts.reference_subject().and_then(|it| match is_paravisor {
        true => values.paravisor(it).ok(),
        false => values.matching(it),
    });
    if let Some(known) = known {
        let report = json!({"file": args.file, "name": known, "added": false});
        output.answer(&report, || format!("{}: {known} has it already", args.file.display()))?;
        return Ok(Verdict::Yes);
    }
    let whole = if held.is_empty() { text } else { format!("{}\n\n{text}", held.trim_end()) };
    read_values(&args.file, &whole)?;
    replace(&args.file, &whole)?;
    let report = json!({"file": args.file, "name": name, "added": true});
    output.answer(&report, || format!("{}: {name} added", args.file.display()))?;
    Ok(Verdict::Yes)
}

/// What the machine gives, if it is one that reference values can match.
fn entry(sample: &Sample, args: &AddArgs) -> Result<ReferenceSample, NotGood> {
    let (facts, kind) = (&sample.appraisal.facts, sample.kind);
    let none = || {
        let what = "there are no reference values of this kind: a policy says what it must be";
        NotGood::new(kind, "no-reference-values", &what)
    };
    let subject = facts.reference_subject().ok_or_else(none)?;
    let mut entry = subject.sample("").ok_or_else(none)?;
    if args.is_paravisor(sample) {
        entry = entry.of_paravisor();
    }
    let name = |measurement: Option<String>| {
        let digits: String = measurement.unwrap_or_default().chars().take(NAME_DIGITS).collect();
        let kind = if facts.rests_on_paravisor() { "paravisor" } else { kind.name() };
        args.name.clone().unwrap_or_else(|| format!("{kind}-{digits}"))
    };
    match &mut entry {
        ReferenceSample::Snp(values) => {
            values.name = name(values.measurements.first().map(ToString::to_string));
            values.compliance_status.clone_from(&args.status);
        }
        ReferenceSample::Tdx(values) => {
            values.name = name(values.measurements.first().map(ToString::to_string));
            values.compliance_status.clone_from(&args.status);
        }
    }
    let alone = ReferenceValues::default().with(entry.clone());
    match alone.status(subject) {
        Ok(_) => Ok(entry),
        Err(finding) => Err(NotGood::new(kind, finding.name, &finding.message)),
    }
}

fn refuse(not_good: &NotGood, output: OutputOptions) -> Result<Verdict, Failure> {
    output.answer(&not_good.to_json(), || not_good.text())?;
    Ok(Verdict::No)
}

/// One entry of an array of tables.
fn table(kind: &str, values: &impl serde::Serialize) -> Result<String, Failure> {
    let values = toml::Value::try_from(values).map_err(Failure::other)?;
    let document = toml::Table::from_iter([(kind.to_owned(), toml::Value::Array(vec![values]))]);
    toml::to_string(&document).map_err(Failure::other)
}

/// The file's text; nothing if there is none.
fn held(path: &Path) -> Result<String, Failure> {
    match read_text(path) {
        Err(Failure::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(String::new())
        }
        other => other,
    }
}

fn read_values(path: &Path, text: &str) -> Result<ReferenceValues, Failure> {
    reference_values(path, text).map_err(Failure::other)
}

/// The whole file or nothing of it: a service may be reading it.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let beside = path.with_extension("toml.new");
    let failed = |source| Failure::Write { path: path.to_owned(), source };
    std::fs::write(&beside, text).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}
