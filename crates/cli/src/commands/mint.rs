//! `avouch mint`

use std::path::PathBuf;
use std::str::FromStr;

use avouch_mint::bootlog::TdBoot;
use avouch_mint::{
    Break, HeldData, HeldDataType, Kss, MintError, Minted, Options, Seed, breaks, mint, vbs,
};
use avouch_wire::{EvidenceKind, Hex, UnixTime};
use clap::Args;
use serde_json::json;

use super::appraise::HeldDataForm;
use crate::failure::{Failure, Verdict, read};
use crate::output::OutputOptions;
use crate::setup::{self, present};

/// Make evidence, endorsements and a root for tests: valid, or wrong in exactly one named way.
///
/// The vendor PKI behind it is made up, so nothing accepts the evidence unless its root is added
/// as a trust root (`--trust-root root.pem`).
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  avouch mint sgx --out minted\n  \
    avouch mint sgx --break list\n  \
    avouch mint tdx --break pck-revoked --out broken")]
pub(crate) struct MintArgs {
    #[arg(help = kinds())]
    kind: MintKind,
    /// Break it in this way; `list` names the ways.
    #[arg(long = "break", value_name = "WHAT")]
    break_name: Option<String>,
    /// Folder to write to.
    #[arg(long, value_name = "DIR", default_value = "minted")]
    out: PathBuf,
    /// Moment around which everything is valid (default: now).
    #[arg(long, value_name = "RFC3339")]
    at: Option<UnixTime>,
    /// Number from which keys and measurements are derived.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Data to bind at run time (default: a small JSON object).
    #[arg(long, value_name = "FILE")]
    runtime_data: Option<PathBuf>,
    /// How the runtime data is to be read.
    #[arg(long, value_name = "FORM", default_value = "json")]
    runtime_data_type: HeldDataForm,
    /// Bind no runtime data.
    #[arg(long, conflicts_with = "runtime_data")]
    no_runtime_data: bool,
    /// Data to bind at start.
    #[arg(long, value_name = "FILE")]
    init_time_data: Option<PathBuf>,
    /// How the init-time data is to be read.
    #[arg(long, value_name = "FORM", default_value = "json")]
    init_time_data_type: HeldDataForm,
    /// SGX: measurement of the enclave, 64 hex digits.
    #[arg(long, value_name = "HEX", value_parser = Hex::<32>::from_hex)]
    mr_enclave: Option<Hex<32>>,
    /// SGX: measurement of its signer, 64 hex digits.
    #[arg(long, value_name = "HEX", value_parser = Hex::<32>::from_hex)]
    mr_signer: Option<Hex<32>>,
    /// SEV-SNP: measurement of the guest, 96 hex digits.
    #[arg(long, value_name = "HEX", value_parser = Hex::<48>::from_hex)]
    measurement: Option<Hex<48>>,
    /// SGX, VBS: a debuggable enclave. TDX: a debuggable trust domain.
    #[arg(long)]
    debug: bool,
    /// TDX: a domain that booted Linux with Secure Boot on, and its event log.
    #[arg(long)]
    event_log: bool,
    /// Azure guests: what isolates the machine from its host, `none`, `snp` or `tdx` [default: none].
    #[arg(long, value_name = "WHAT", value_parser = isolation)]
    isolation: Option<avouch_mint::tpm::Isolation>,
    /// SGX: an enclave with key separation and sharing.
    #[arg(long)]
    kss: bool,
    /// Intel: TCB status that the platform lands on, in Intel's spelling.
    #[arg(long, value_name = "STATUS", value_parser = tcb_status)]
    tcb_status: Option<avouch_mint::TcbStatus>,
    /// Intel: CA of the PCK certificate, `processor` (single-socket machines, which have no instance id)
    /// or `platform` [default: platform].
    #[arg(long, value_name = "CA", value_parser = pck_ca)]
    pck_ca: Option<avouch_mint::PckCa>,
    /// Intel: which of the machines under one hierarchy.
    #[arg(long, value_name = "N")]
    machine: Option<u32>,
    /// Intel: SVN of the platform's first TCB component [default: 12].
    #[arg(long, value_name = "SVN")]
    svn: Option<u8>,
    /// Intel: SVN that the collateral asks of that component [default: the platform's]. A platform one
    /// below it is out of date.
    #[arg(long, value_name = "SVN")]
    level_svn: Option<u8>,
    /// Intel: TCB evaluation data number of the collateral.
    #[arg(long, value_name = "N")]
    tcb_evaluation_data_number: Option<u32>,
}

/// What to mint: a kind of evidence, or one with an enclave in it.
#[derive(Debug, Clone, Copy)]
enum MintKind {
    Evidence(EvidenceKind),
    /// TPM evidence of a boot of Windows, with an enclave.
    Vbs,
}

impl MintKind {
    const fn evidence(self) -> EvidenceKind {
        match self {
            Self::Evidence(kind) => kind,
            Self::Vbs => EvidenceKind::Tpm,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Evidence(kind) => kind.name(),
            Self::Vbs => VBS,
        }
    }

    fn breaks(self) -> &'static [Break] {
        match self {
            Self::Evidence(kind) => breaks(kind),
            Self::Vbs => vbs::breaks(),
        }
    }

    fn mint(self, options: &Options) -> Result<Minted, MintError> {
        match self {
            Self::Evidence(kind) => mint(kind, options),
            Self::Vbs => vbs::mint_request(options),
        }
    }
}

impl FromStr for MintKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.eq_ignore_ascii_case(VBS) {
            true => Ok(Self::Vbs),
            false => text.parse().map(Self::Evidence),
        }
    }
}

/// What evidence with an enclave is called here.
const VBS: &str = "vbs";

fn kinds() -> String {
    format!("{}; or vbs: a boot of Windows with an enclave, as TPM evidence", setup::kinds())
}

fn tcb_status(text: &str) -> Result<avouch_mint::TcbStatus, String> {
    use avouch_mint::TcbStatus;
    TcbStatus::ALL
        .into_iter()
        .find(|status| status.name() == text)
        .ok_or_else(|| format!("statuses are: {}", TcbStatus::ALL.map(TcbStatus::name).join(", ")))
}

fn isolation(text: &str) -> Result<avouch_mint::tpm::Isolation, String> {
    use avouch_mint::tpm::Isolation;
    let known = || Isolation::ALL.map(Isolation::name).join(", ");
    Isolation::ALL
        .into_iter()
        .find(|isolation| isolation.name() == text)
        .ok_or_else(|| format!("machines are isolated by: {}", known()))
}

fn pck_ca(text: &str) -> Result<avouch_mint::PckCa, String> {
    use avouch_mint::PckCa;
    match text {
        "processor" => Ok(PckCa::Processor),
        "platform" => Ok(PckCa::Platform),
        _ => Err("PCK certificates are issued by processor or platform".to_owned()),
    }
}

pub(crate) fn run(args: MintArgs, output: OutputOptions) -> Result<Verdict, Failure> {
    if args.break_name.as_deref() == Some("list") {
        return list(args.kind.breaks(), output);
    }
    let minted = args.kind.mint(&options(&args)?).map_err(Failure::other)?;
    minted.write_to(&args.out).map_err(Failure::other)?;
    let answer = json!({
        "kind": args.kind.name(),
        "out": args.out,
        "description": minted.description,
        "at": minted.at.to_string(),
        "command": minted.appraise_command(),
    });
    output.answer(&answer, || {
        format!(
            "{}\nwritten to {1}; its README.txt, whose commands work from within {1}:\n\n{2}",
            minted.description,
            args.out.display(),
            minted.readme()
        )
    })?;
    Ok(Verdict::Yes)
}

fn list(breaks: &[Break], output: OutputOptions) -> Result<Verdict, Failure> {
    let rows: Vec<_> = breaks
        .iter()
        .map(|one| {
            json!({
                "name": one.name,
                "what": one.what,
                "stage": one.stage.name(),
                "expected_check": one.expected_check,
            })
        })
        .collect();
    output.answer(&rows, || {
        let width = breaks.iter().map(|one| one.name.len()).max().unwrap_or_default();
        let line = |one: &Break| format!("{:width$}  {}", one.name, one.what);
        breaks.iter().map(line).collect::<Vec<_>>().join("\n")
    })?;
    Ok(Verdict::Yes)
}

fn options(args: &MintArgs) -> Result<Options, Failure> {
    let mut options = Options::new(args.at.unwrap_or_else(present));
    options.break_name.clone_from(&args.break_name);
    if let Some(seed) = args.seed {
        options.seed = Seed::from_number(seed);
    }
    if args.no_runtime_data {
        options.runtime_data = None;
    }
    if let Some(path) = &args.runtime_data {
        options.runtime_data = Some(held(read(path)?, args.runtime_data_type));
    }
    if let Some(path) = &args.init_time_data {
        options.init_time_data = Some(held(read(path)?, args.init_time_data_type));
        // CONFIGID exists only with KSS.
        options.enclave.kss.get_or_insert_with(Kss::default);
    }
    options.enclave.mr_enclave = args.mr_enclave.map(|hex| hex.0);
    options.enclave.mr_signer = args.mr_signer.map(|hex| hex.0);
    options.snp.measurement = args.measurement.map(|hex| hex.0);
    options.enclave.debug = args.debug;
    if args.debug {
        options.td.attributes |= avouch_mint::TD_DEBUG;
    }
    setup::check_event_log(args.kind.evidence(), args.event_log)?;
    if args.event_log {
        options.td.boot = Some(TdBoot::default());
    }
    if args.kss {
        options.enclave.kss.get_or_insert_with(Kss::default);
    }
    if let Some(status) = args.tcb_status {
        options.platform.tcb_status = status;
    }
    options.guest.isolation = args.isolation.unwrap_or_default();
    options.platform.ca = args.pck_ca.unwrap_or(options.platform.ca);
    options.platform.machine = args.machine.unwrap_or(options.platform.machine);
    options.platform.svn = args.svn.unwrap_or(options.platform.svn);
    options.platform.level_svn = args.level_svn;
    if let Some(number) = args.tcb_evaluation_data_number {
        options.platform.evaluation_data_number = number;
    }
    Ok(options)
}

fn held(bytes: Vec<u8>, form: HeldDataForm) -> HeldData {
    let data_type = match form {
        HeldDataForm::Json => HeldDataType::Json,
        HeldDataForm::Binary => HeldDataType::Binary,
    };
    HeldData { bytes, data_type }
}
