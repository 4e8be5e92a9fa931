//! `avouch policy suggest`

use std::path::PathBuf;

use avouch_policy::{Claim, Issuer, Value};
use avouch_wire::EvidenceKind;
use clap::Args;
use serde_json::json;

use crate::failure::{Failure, Verdict};
use crate::output::OutputOptions;
use crate::sample::SampleArgs;

#[derive(Debug, Args)]
pub(super) struct SuggestArgs {
    #[command(flatten)]
    sample: SampleArgs,
    /// Write the policy to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How a claim of other evidence must compare with that of the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    /// Be the same.
    Same,
    /// Be the same, if the sample has it set: text that is not all zeros, or `true`.
    SameIfSet,
    /// Be at least as high.
    AtLeast,
    /// Be the same, as a line for the author to uncomment.
    Offered,
}

use Demand::{AtLeast, Offered, Same, SameIfSet};

/// What is demanded of a kind, by claim, with what it is for.
type Demands = &'static [(&'static str, Demand, &'static str)];

const ENCLAVE: Demands = &[
    ("x-ms-sgx-is-debuggable", Same, "nobody can look into it"),
    ("x-ms-sgx-mrsigner", Same, "who signed it"),
    ("x-ms-sgx-product-id", Same, "which product of theirs it is"),
    ("x-ms-sgx-svn", AtLeast, "this version or a newer one"),
    ("x-ms-sgx-mrenclave", Same, "this very build; without this line, every build of the signer's"),
];

const TRUST_DOMAIN: Demands = &[
    ("dbgstat", Same, "nobody can look into it"),
    ("tdx_mrtd", Same, "what it was built from"),
    ("avouch-secure-boot", SameIfSet, "firmware verified what it ran"),
    ("avouch-secure-boot-db", SameIfSet, "by these keys"),
    ("x-ms-compliance-status", SameIfSet, "the status of your reference values"),
    ("tdx_seamsvn", AtLeast, "this TDX module or a newer one"),
    ("attester_tcb_status", Offered, "what Intel says of the platform"),
    ("tdx_rtmr0", Offered, "firmware's configuration"),
    ("tdx_rtmr1", Offered, "what firmware ran"),
    ("tdx_rtmr2", Offered, "what the boot loader ran"),
    ("tdx_mrconfigid", Offered, "the configuration given at its start"),
];

const GUEST: Demands = &[
    ("x-ms-sevsnpvm-is-debuggable", Same, "nobody can look into it"),
    ("x-ms-sevsnpvm-migration-allowed", Same, "nobody can move it"),
    ("x-ms-sevsnpvm-vmpl", Same, "the privilege level that speaks"),
    ("x-ms-sevsnpvm-launchmeasurement", Same, "what it was started from"),
    ("x-ms-sevsnpvm-idkeydigest", SameIfSet, "who signed its ID block"),
    ("x-ms-sevsnpvm-guestsvn", AtLeast, "this version or a newer one"),
    ("x-ms-compliance-status", SameIfSet, "the status of your reference values"),
    ("x-ms-sevsnpvm-bootloader-svn", AtLeast, "the platform's TCB, part by part"),
    ("x-ms-sevsnpvm-tee-svn", AtLeast, "the same"),
    ("x-ms-sevsnpvm-snpfw-svn", AtLeast, "the same"),
    ("x-ms-sevsnpvm-microcode-svn", AtLeast, "the same"),
    ("x-ms-sevsnpvm-hostdata", Offered, "what the host gave at its start"),
];

const MACHINE: Demands = &[
    ("aikValidated", Same, "the attestation key is a TPM's"),
    ("secureBootEnabled", SameIfSet, "firmware verified what it ran"),
    ("bootDebuggingDisabled", SameIfSet, "no part of Windows' start could be debugged"),
    ("vbsEnabled", SameIfSet, "Windows' isolation was required"),
    ("avouch-ima-only-signed-or-listed", SameIfSet, "every file that ran is known"),
    ("enclaveAuthorId", Same, "who signed the enclave"),
    ("enclaveImageId", Same, "which of their enclaves it is"),
    ("enclaveFlags", Same, "nobody can look into it"),
    ("enclaveSvn", AtLeast, "this version or a newer one"),
    ("avouch-enclave-unique-id", Same, "this very build of the enclave"),
];

const VIRTUAL_MACHINE: Demands = &[
    ("secureboot", SameIfSet, "firmware verified what it ran"),
    ("avouch-aik", Same, "who vouches for the attestation key"),
    ("x-ms-azurevm-default-securebootkeysvalidated", SameIfSet, "by Microsoft's keys alone"),
    ("avouch-vtpm-default-securebootkeysvalidated", SameIfSet, "by Microsoft's keys alone"),
    ("x-ms-azurevm-dbxvalidated", SameIfSet, "without revoked programs"),
    ("avouch-vtpm-dbxvalidated", SameIfSet, "without revoked programs"),
    ("x-ms-azurevm-debuggersdisabled", SameIfSet, "no part of its start could be debugged"),
    ("avouch-vtpm-debuggersdisabled", SameIfSet, "no part of its start could be debugged"),
    ("x-ms-azurevm-signingdisabled", SameIfSet, "no test signatures are accepted"),
    ("avouch-vtpm-signingdisabled", SameIfSet, "no test signatures are accepted"),
    ("x-ms-azurevm-vmid", Offered, "this very machine"),
    ("avouch-vtpm-vmid", Offered, "this very machine"),
];

pub(super) fn run(args: &SuggestArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    let sample = match args.sample.verify()? {
        Ok(sample) => sample,
        Err(not_good) => {
            output.answer(&not_good.to_json(), || not_good.text())?;
            return Ok(Verdict::No);
        }
    };
    let policy = policy(sample.kind, &sample.appraisal.incoming)?;
    if let Some(path) = &args.out {
        std::fs::write(path, &policy)
            .map_err(|source| Failure::Write { path: path.clone(), source })?;
        let answer = json!({"file": path});
        output.answer(&answer, || format!("written to {}", path.display()))?;
    } else {
        output.answer(&json!({"policy": policy}), || policy.clone())?;
    }
    Ok(Verdict::Yes)
}

/// The text of a policy that permits evidence like the sample.
fn policy(kind: EvidenceKind, incoming: &[Claim]) -> Result<String, Failure> {
    let demands = demands_of(kind)
        .ok_or_else(|| Failure::Other(format!("nothing is suggested for {}", kind.title())))?;
    let service = |name: &str| {
        incoming
            .iter()
            .find(|claim| &*claim.claim_type == name && claim.issuer == Issuer::AttestationService)
    };
    let found: Vec<(Demand, String, &str)> = demands
        .iter()
        .filter_map(|&(name, demand, purpose)| {
            let value = &service(name)?.value;
            Some((demand, condition(name, demand, value)?, purpose))
        })
        .collect();
    let pcrs = service("pcrs").map(|claim| pcrs(&claim.value)).unwrap_or_default();
    let version = if pcrs.is_empty() { "1.0" } else { "1.2" };
    let mut text = format!(
        "version={version};\nauthorizationrules\n{{\n    \
         // Made from one machine's evidence ({}): leave out what may differ, and test it.\n",
        kind.name()
    );
    for Pcr { index, bank, .. } in &pcrs {
        text.push_str(&format!(
            "    p:[type==\"pcrs\", issuer==\"AttestationService\"]\n    => add(type=\"pcr{index}\", \
             value=JsonToClaimValue(JmesPath(p.value, \"PCRs[?Index == `{index}`].Digests.{bank} | \
             [0]\")));\n"
        ));
    }
    let (offered, demanded): (Vec<_>, Vec<_>) =
        found.iter().partition(|(demand, ..)| *demand == Offered);
    for (index, (_, condition, purpose)) in demanded.into_iter().enumerate() {
        let and = if index == 0 { "" } else { "&& " };
        text.push_str(&format!("    // {purpose}\n    {and}{condition}\n"));
    }
    if !pcrs.is_empty() {
        text.push_str("    // what it booted: updates change some of these\n");
    }
    for Pcr { index, digest, .. } in &pcrs {
        let issuer = "issuer==\"AttestationPolicy\"";
        text.push_str(&format!("    && [type==\"pcr{index}\", value==\"{digest}\", {issuer}]\n"));
    }
    for (_, condition, purpose) in offered {
        text.push_str(&format!("    // {purpose}\n    // && {condition}\n"));
    }
    text.push_str("    => permit();\n};\nissuancerules {};\n");
    Ok(text)
}

/// A PCR of the sample.
struct Pcr {
    index: u64,
    bank: String,
    digest: String,
}

/// Those that are extended while a machine starts: IMA extends 10 with every file, and those from 16 on
/// are for applications.
fn pcrs(claim: &Value) -> Vec<Pcr> {
    let Value::String(text) = claim else { return Vec::new() };
    let read: serde_json::Value = serde_json::from_str(text.as_str()).unwrap_or_default();
    let listed = read.get("PCRs").and_then(serde_json::Value::as_array);
    let pcr = |one: &serde_json::Value| {
        let index = one.get("Index")?.as_u64().filter(|index| *index < 16 && *index != 10)?;
        let (bank, digest) = one.get("Digests")?.as_object()?.iter().next_back()?;
        Some(Pcr { index, bank: bank.clone(), digest: digest.as_str()?.to_owned() })
    };
    listed.into_iter().flatten().filter_map(pcr).collect()
}

const fn demands_of(kind: EvidenceKind) -> Option<Demands> {
    match kind {
        EvidenceKind::Sgx | EvidenceKind::OpenEnclave => Some(ENCLAVE),
        EvidenceKind::Tdx => Some(TRUST_DOMAIN),
        EvidenceKind::Snp => Some(GUEST),
        EvidenceKind::Tpm => Some(MACHINE),
        EvidenceKind::AzureGuest => Some(VIRTUAL_MACHINE),
        _ => None,
    }
}

/// A condition on a claim; none where the sample's value says nothing.
fn condition(name: &str, demand: Demand, value: &Value) -> Option<String> {
    if demand == SameIfSet && !is_set(value) {
        return None;
    }
    let operator = if demand == AtLeast { ">=" } else { "==" };
    let value = match value {
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::String(text) => quoted(text.as_str())?,
    };
    Some(format!("[type==\"{name}\", value{operator}{value}, issuer==\"AttestationService\"]"))
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Boolean(value) => *value,
        Value::Integer(_) => true,
        Value::String(text) => text.as_str().chars().any(|c| c != '0'),
    }
}

/// A text as policies write it; none if it has characters that they cannot write.
fn quoted(text: &str) -> Option<String> {
    let is_plain = !text.chars().any(char::is_control);
    is_plain.then(|| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}
