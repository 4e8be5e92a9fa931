//! Where reports come from: Linux' configfs-TSM, or, for tests, the mint.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use avouch_mint::{HeldData, Options, mint};
use avouch_tee::{ConfigfsTsm, OwnEvidence, SnpQuote, TeeWorker};
use avouch_wire::{EvidenceKind, Hex};

use crate::failure::Failure;
use crate::setup::present;

/// The longest that the kernel may take for a report.
const WITHIN: Duration = Duration::from_secs(30);

/// Evidence of the mint over these bytes, whose report data are these.
pub(super) fn minted(
    runtime_data: &[u8],
    report_data: &[u8; 64],
    measurement: Option<&Hex<48>>,
) -> Result<SnpQuote, Failure> {
    let held = HeldData::binary(runtime_data);
    let mut options = Options { runtime_data: Some(held), ..Options::new(present()) };
    options.snp.measurement = measurement.map(|hex| hex.0);
    let minted = mint(EvidenceKind::Snp, &options).map_err(Failure::other)?;
    SnpQuote::new(minted.evidence, report_data, None).map_err(Failure::other)
}

/// A report of this machine over these 64 bytes. `asks` asks for all of them.
pub(super) fn of_tsm(
    asks: &OnceLock<TeeWorker>,
    folder: &Path,
    report_data: &[u8; 64],
) -> Result<SnpQuote, Failure> {
    let worker = match asks.get() {
        Some(worker) => worker,
        None => {
            let source = ConfigfsTsm::open(folder).map_err(Failure::other)?;
            let started = TeeWorker::start(Box::new(source)).map_err(Failure::other)?;
            asks.get_or_init(|| started)
        }
    };
    match worker.evidence(report_data, WITHIN).map_err(Failure::other)? {
        OwnEvidence::Snp(quote) => Ok(quote),
        other => {
            let kind = other.kind();
            let text = format!("evidence here is of {kind}; keys are released by that of SEV-SNP");
            Err(Failure::Other(text))
        }
    }
}
