//! `avouch attest tpm`

mod keys;
mod periodic;
mod provider;

use std::path::PathBuf;

use avouch_attester::{
    AttestError, Attester, IS_BUILT, LogFiles, PcrChoice, Report, ServiceError, TpmError, open,
    write_whole,
};
use avouch_token::TokenKind;
use avouch_tpm::protocol::CustomClaim;
use clap::Args;
use serde_json::{Value, json};

use self::keys::{KeyArgs, Prepared};
use self::periodic::PeriodicArgs;
use self::provider::Provider;
use super::super::admin::TenantArgs;
use crate::client::{Refusal, Stop, conclude};
use crate::failure::{Failure, Verdict};
use crate::output::{self, OutputOptions};
use crate::setup::present;

/// Most further keys that a request has room for.
const CERTIFIED_MAX: usize = 2;

/// Attest this machine by its TPM 2.0, and obtain a token.
///
/// The TPM quotes its PCRs in answer to the service's challenge. With the quote go the logs that explain
/// the PCRs: of the boot, and of IMA where the kernel has it. The service verifies them, judges them by
/// the provider's policy for `tpm`, and answers with a token, which is verified before it is written.
///
/// A quote counts only if the service knows its key to be a TPM's. `--enrol` has the service find out: it
/// seals a secret to the endorsement key that the TPM's manufacturer certified, and the TPM opens it only
/// while it holds the attestation key. What that gives is kept in the state directory and renewed by
/// itself. A machine whose attestation key a CA certified names that instead.
///
/// The token is for an RSA key that signs the request (`cnf`); the quote holds its digest.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    avouch attest tpm --url https://attest.example --provider contoso --enrol\n  \
    avouch attest tpm --url https://attest.example --pcrs sha256:all --token-out /run/avouch/token\n  \
    avouch attest tpm --every 3600 --jitter 300 --token-out /run/avouch/token --enrol\n  \
    avouch attest tpm --tcti swtpm:host=127.0.0.1,port=2321 --log measurements.bin\n\n\
    The third takes the URL from AVOUCH_URL; contrib/avouch-attest.service runs it under systemd.\n\n\
    Exit status: 0 a token; 1 the service refused, or its token does not hold; 2 no TPM, no log, no \
    answer. With --every it runs until it is stopped, and that is 0.")]
pub(crate) struct TpmArgs {
    #[command(flatten)]
    tenant: TenantArgs,
    /// Where the TPM is: device:/dev/tpmrm0, swtpm:host=HOST,port=PORT, mssim:host=HOST,port=PORT, tabrmd.
    #[arg(long, value_name = "TCTI", env = "AVOUCH_TCTI", default_value = "device:/dev/tpmrm0")]
    tcti: String,
    #[command(flatten)]
    keys: KeyArgs,
    /// PCRs to quote, by bank: sha256:0-7,10 or sha256:all, more banks after a plus sign. Providers ask
    /// for all 24 of one bank unless their policy has another required_pcr_mask.
    #[arg(long, value_name = "PCRS", default_value = "sha256:all", help_heading = "Evidence")]
    pcrs: PcrChoice,
    /// The log of firmware and boot loaders, if it is not where the kernel has it
    /// (/sys/kernel/security/tpm0/binary_bios_measurements).
    #[arg(long, value_name = "FILE", help_heading = "Evidence")]
    log: Option<PathBuf>,
    /// IMA's list, if it is not where the kernel has it
    /// (/sys/kernel/security/ima/binary_runtime_measurements, or that with _sha256); absent is fine there.
    #[arg(long, value_name = "FILE", help_heading = "Evidence")]
    ima_log: Option<PathBuf>,
    /// What the relying party gave, to stand in the token as rp_data: its nonce.
    #[arg(long, value_name = "TEXT", help_heading = "Evidence")]
    rp_data: Option<String>,
    /// What the relying party calls itself.
    #[arg(long, value_name = "TEXT", help_heading = "Evidence")]
    rp_id: Option<String>,
    /// A claim that the machine makes of itself, without proof; may be repeated.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim, help_heading = "Evidence")]
    claims: Vec<(String, String)>,
    /// Persistent handle of another key in the TPM, such as 0x81010005, to be certified in the token; at
    /// most two.
    #[arg(long = "certify", value_name = "HANDLE", value_parser = keys::handle,
        help_heading = "Evidence")]
    certified: Vec<u32>,
    /// File for the token, written whole or not at all; without it the token goes to standard output.
    #[arg(long, value_name = "FILE")]
    token_out: Option<PathBuf>,
    #[command(flatten)]
    periodic: PeriodicArgs,
}

pub(super) fn run(args: &TpmArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    if !IS_BUILT {
        return Err(AttestError::from(TpmError::NotBuilt).into());
    }
    if args.certified.len() > CERTIFIED_MAX {
        return Err(Failure::Other(format!("--certify: at most {CERTIFIED_MAX} keys")));
    }
    if let Some(schedule) = args.periodic.schedule() {
        return periodic::run(schedule, args.token_out.is_some(), || obtain(args).map(drop));
    }
    conclude(once(args, output), output)
}

fn once(args: &TpmArgs, output: OutputOptions) -> Result<Verdict, Stop> {
    let Obtained { report, claims } = obtain(args)?;
    let answer = json!({
        "url": args.tenant.session()?.url().as_str(),
        "token": report.token,
        "claims": claims,
        "enrolled": report.enrolled,
        "token_out": args.token_out,
    });
    let text = || match &args.token_out {
        Some(path) => format!("{} holds the token", path.display()),
        None => report.token.clone(),
    };
    output.answer(&answer, text)?;
    Ok(Verdict::Yes)
}

/// A token that holds.
struct Obtained {
    report: Report,
    claims: serde_json::Map<String, Value>,
}

/// Attests once. Files of keys and tokens are read anew each time.
fn obtain(args: &TpmArgs) -> Result<Obtained, Stop> {
    let session = args.tenant.session()?;
    let issuer = session.issuer()?;
    let keys = args.keys.prepare(session.url().as_str())?;
    let request_key = args.keys.request_key()?;
    let custom = |(name, value): &(String, String)| CustomClaim {
        name: name.clone(),
        value: value.clone(),
        value_type: "string".to_owned(),
    };
    let custom_claims: Vec<CustomClaim> = args.claims.iter().map(custom).collect();
    let attester = Attester {
        pcrs: &args.pcrs,
        logs: &LogFiles { tcg: args.log.clone(), ima: args.ima_log.clone() },
        request_key: &request_key,
        certified_handles: &args.certified,
        rp_id: args.rp_id.as_deref(),
        rp_data: args.rp_data.as_deref(),
        custom_claims: &custom_claims,
    };
    let report = attest(args, &attester, &mut Provider::new(&session), &keys).map_err(stop)?;
    if report.enrolled {
        output::note("the attestation key was enrolled");
    }
    let claims = issuer.verify_token(&report.token, TokenKind::Report)?.claims;
    if let Some(path) = &args.token_out {
        write_whole(path, report.token.as_bytes())
            .map_err(|source| Failure::Write { path: path.clone(), source })?;
    }
    Ok(Obtained { report, claims })
}

fn attest(
    args: &TpmArgs,
    attester: &Attester<'_>,
    service: &mut Provider<'_>,
    keys: &Prepared,
) -> Result<Report, AttestError> {
    let mut tpm = open(&args.tcti)?;
    match keys {
        Prepared::Certified(key) => {
            let token = attester.attest(tpm.as_mut(), service, key)?;
            Ok(Report { token, enrolled: false })
        }
        Prepared::Enrolled(enrolled) => {
            attester.attest_enrolled(tpm.as_mut(), service, &enrolled.enrolment(present()))
        }
    }
}

/// Refusals of the service are answers; the rest are failures.
fn stop(error: AttestError) -> Stop {
    match error.refusal() {
        Some(ServiceError::Refused { status, code, message }) => Refusal {
            code: code.clone(),
            message: message.clone(),
            check: None,
            status: Some(*status),
        }
        .into(),
        _ => Failure::Attest(error).into(),
    }
}

/// `NAME=VALUE`.
fn claim(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = parts.ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
