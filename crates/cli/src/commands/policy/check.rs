//! `avouch policy check`

use std::path::{Path, PathBuf};

use avouch_engine::policy_vocabulary;
use avouch_policy::lint::{Lint, Vocabulary, lint, render};
use avouch_policy::{Diagnostic, PolicyErrors};
use avouch_wire::EvidenceKind;
use clap::Args;
use serde::Serialize;

use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Policy texts; `-` reads standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Attestation type, for lints about claims that nothing produces: sgx, open-enclave, tdx, snp,
    /// tpm, vbs, azure-guest, or as claims and routes name them.
    #[arg(long = "type", value_name = "TYPE", value_parser = attestation_type)]
    attestation_type: Option<EvidenceKind>,
    /// Also refuse policies that have warnings.
    #[arg(long)]
    strict: bool,
}

fn attestation_type(text: &str) -> Result<EvidenceKind, String> {
    EvidenceKind::called(text)
        .ok_or_else(|| format!("attestation types are: {}", EvidenceKind::names_where(|_| true)))
}

/// What was found in one file.
#[derive(Serialize)]
struct Checked {
    file: PathBuf,
    valid: bool,
    version: Option<&'static str>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Lint>,
    #[serde(skip)]
    text: String,
}

pub(super) fn run(args: &CheckArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let vocabulary = policy_vocabulary(args.attestation_type);
    let files: Vec<Checked> =
        args.files.iter().map(|file| check(file, &vocabulary)).collect::<Result<_, _>>()?;
    let fine = |file: &Checked| file.valid && (file.warnings.is_empty() || !args.strict);
    let verdict = Verdict::of(files.iter().all(fine));
    output.answer(&files, || files.iter().map(|file| file.text.as_str()).collect())?;
    Ok(verdict)
}

fn check(file: &Path, vocabulary: &Vocabulary) -> Result<Checked, Failure> {
    let name = file.display().to_string();
    let policy = match super::compile(file)? {
        Ok(policy) => policy,
        Err(errors) => return Ok(refused(file, &name, &errors)),
    };
    let warnings = lint(&policy, vocabulary);
    let count = match warnings.len() {
        0 => "no warnings".to_owned(),
        1 => "1 warning".to_owned(),
        many => format!("{many} warnings"),
    };
    let version = policy.version().name();
    let text =
        format!("{}{name}: valid, version {version}, {count}\n", render(&policy, &warnings, &name));
    let file = file.to_owned();
    Ok(Checked { file, valid: true, version: Some(version), errors: Vec::new(), warnings, text })
}

fn refused(file: &Path, name: &str, errors: &PolicyErrors) -> Checked {
    let count = errors.diagnostics().len();
    let plural = if count == 1 { "" } else { "s" };
    Checked {
        file: file.to_owned(),
        valid: false,
        version: None,
        errors: errors.diagnostics().to_vec(),
        warnings: Vec::new(),
        text: format!("{}{name}: refused, {count} error{plural}\n", errors.render(name)),
    }
}
