//! Where reports come from: Linux' configfs-TSM, or, for tests, the mint.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use avouch_mint::{HeldData, Options, mint};
use avouch_pki::pem;
use avouch_snp::ghcb::CertificateTable;
use avouch_wire::{EvidenceKind, Hex, base64url};
use serde_json::json;

use crate::failure::Failure;
use crate::setup::present;

/// Length of a report, in bytes.
const REPORT_BYTES: usize = 1184;
/// Where REPORT_DATA and REPORTED_TCB stand in it, in bytes.
const REPORT_DATA_AT: usize = 0x50;
const REPORTED_TCB_AT: usize = 0x180;
/// Largest blob read, in bytes.
const BLOB_BYTES_MAX: u64 = 64 * 1024;
/// What Linux calls the provider of SEV-SNP reports.
const SEV_GUEST: &str = "sev_guest";

/// A report with the certificates that came with it.
pub(crate) struct Quoted {
    pub(crate) report: Vec<u8>,
    /// VCEK or VLEK, and what stands above it, PEM; none where the host gave none.
    pub(crate) certificates: Option<String>,
}

impl Quoted {
    /// `report` of MAA's request: with certificates the JSON document, else the report alone.
    pub(super) fn maa_report(&self) -> String {
        match &self.certificates {
            None => base64url::encode(&self.report),
            Some(certificates) => base64url::encode(
                json!({
                    "SnpReport": base64url::encode(&self.report),
                    "VcekCertChain": base64url::encode(certificates),
                })
                .to_string(),
            ),
        }
    }

    /// REPORTED_TCB, 16 hex digits of the little-endian number.
    pub(crate) fn reported_tcb(&self) -> String {
        let end = REPORTED_TCB_AT.saturating_add(8);
        let bytes = self.report.get(REPORTED_TCB_AT..end).unwrap_or_default();
        let bytes = <[u8; 8]>::try_from(bytes).unwrap_or_default();
        format!("{:016x}", u64::from_le_bytes(bytes))
    }
}

/// Evidence of the mint over these bytes.
pub(super) fn minted(
    runtime_data: &[u8],
    measurement: Option<&Hex<48>>,
) -> Result<Quoted, Failure> {
    let held = HeldData::binary(runtime_data);
    let mut options = Options { runtime_data: Some(held), ..Options::new(present()) };
    options.snp.measurement = measurement.map(|hex| hex.0);
    let minted = mint(EvidenceKind::Snp, &options).map_err(Failure::other)?;
    Ok(Quoted { report: minted.evidence, certificates: None })
}

/// An entry of configfs-TSM that is removed when it has served.
struct Entry {
    path: PathBuf,
    is_own: bool,
}

impl Entry {
    fn open(folder: &Path) -> Result<Self, Failure> {
        if folder.join("inblob").exists() {
            return Ok(Self { path: folder.to_owned(), is_own: false });
        }
        let path = folder.join(format!("avouch-{}", std::process::id()));
        fs::create_dir(&path).map_err(|source| Failure::Write { path: path.clone(), source })?;
        Ok(Self { path, is_own: true })
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let path = self.path.join(name);
        let failed = |source| Failure::Read { path: path.clone(), source };
        let file = fs::File::open(&path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(BLOB_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.is_own {
            // What stays is found under its name, and does no harm.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// A report of this machine over these 64 bytes.
pub(super) fn of_tsm(folder: &Path, report_data: &[u8; 64]) -> Result<Quoted, Failure> {
    let entry = Entry::open(folder)?;
    let provider = entry.read("provider")?;
    let provider = String::from_utf8_lossy(&provider).trim().to_owned();
    if provider != SEV_GUEST {
        let text = format!("reports here are of {provider}; keys are released by those of SEV-SNP");
        return Err(Failure::Other(text));
    }
    let inblob = entry.path.join("inblob");
    fs::OpenOptions::new()
        .write(true)
        .open(&inblob)
        .and_then(|mut file| std::io::Write::write_all(&mut file, report_data))
        .map_err(|source| Failure::Write { path: inblob, source })?;
    let report = entry.read("outblob")?;
    let end = REPORT_DATA_AT.saturating_add(report_data.len());
    if report.len() != REPORT_BYTES || report.get(REPORT_DATA_AT..end) != Some(report_data) {
        let text = "what the kernel gave is no report over what was asked for; another may have \
                    asked at the same time";
        return Err(Failure::Other(text.to_owned()));
    }
    Ok(Quoted { report, certificates: certificates(&entry)? })
}

/// The host's certificates, as PEM, the VEK first; none where it gave none.
fn certificates(entry: &Entry) -> Result<Option<String>, Failure> {
    if !entry.path.join("auxblob").exists() {
        return Ok(None);
    }
    let blob = entry.read("auxblob")?;
    if blob.is_empty() {
        return Ok(None);
    }
    let table = CertificateTable::parse(&blob).map_err(Failure::other)?;
    let found = table.certificates();
    let text: String = found.iter().map(|der| pem::encode("CERTIFICATE", der)).collect();
    Ok((!text.is_empty()).then_some(text))
}
