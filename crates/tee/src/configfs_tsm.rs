//! Linux' configfs-TSM (since 6.7): reports of SEV-SNP and quotes of TDX by files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use avouch_pki::pem;
use avouch_snp::ghcb::CertificateTable;
use avouch_wire::excerpt;

use crate::boundary::{self, BLOB_BYTES_MAX};
use crate::intel_quote;
use crate::{EvidenceSource, OwnEvidence, SnpCertificates, SnpQuote, SourceName, TeeError};

/// What Linux calls the providers that are known.
const SEV_GUEST: &str = "sev_guest";
const TDX_GUEST: &str = "tdx_guest";
/// How often it is tried while somebody else asks in between, and the pause, which grows.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);
/// How often an entry that is busy is looked at again.
const LOOKS: u32 = 100;
/// How often it is looked for the files of an entry that was made.
const FILES_LOOKS: u32 = 500;
/// What Linux says where no driver answers.
const ENXIO: i32 = 6;
const ENODEV: i32 = 19;
/// Most certificates in one entry of a table.
const CERTIFICATES_MAX: usize = 8;

/// Entries have the process's number and a number of their own in their names.
const PREFIX: &str = "avouch-";
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The folder in which entries are made, one for each question.
#[derive(Debug, Clone)]
pub struct ConfigfsTsm {
    folder: PathBuf,
    /// For hosts that put no certificates beside a report.
    certificates: Option<PathBuf>,
    uvm_endorsements: Option<Vec<u8>>,
}

impl ConfigfsTsm {
    /// Reports of this folder, usually `/sys/kernel/config/tsm/report`. A folder with an `inblob` is taken as
    /// one entry that is there already, and stays. What processes that are gone have left is removed.
    ///
    /// # Errors
    /// [`TeeError::Absent`] if it is no folder.
    pub fn open(folder: &Path) -> Result<Self, TeeError> {
        if !folder.is_dir() {
            return Err(absent(format!(
                "{} is no folder (Linux 6.7 or later, configfs mounted, the guest's driver loaded)",
                folder.display()
            )));
        }
        remove_left(folder);
        Ok(Self { folder: folder.to_owned(), certificates: None, uvm_endorsements: None })
    }

    /// The same with certificates of a chip from a file, for hosts that give none with a report. It is read
    /// again with each report.
    #[must_use]
    pub fn with_certificates(self, certificates: Option<PathBuf>) -> Self {
        Self { certificates, ..self }
    }

    /// The same with endorsements of the utility VM: a `COSE_Sign1`.
    #[must_use]
    pub fn with_uvm_endorsements(self, uvm_endorsements: Option<Vec<u8>>) -> Self {
        Self { uvm_endorsements, ..self }
    }

    /// Whether somebody answers in that folder: without a TEE's driver behind it the kernel makes no entry.
    ///
    /// # Errors
    /// [`TeeError::Absent`], or [`TeeError::Write`] if an entry cannot be made for another reason.
    pub(crate) fn check_answers(&self) -> Result<(), TeeError> {
        if self.folder.join("inblob").exists() {
            return Ok(());
        }
        Entry::make(&self.folder).map(drop).map_err(|(path, error)| match error.raw_os_error() {
            Some(ENXIO | ENODEV) => {
                absent(format!("no TEE's driver answers in {}", self.folder.display()))
            }
            _ => TeeError::Write { path, reason: error.to_string() },
        })
    }

    fn attempt(&self, report_data: &[u8; 64]) -> Result<OwnEvidence, TeeError> {
        let entry = Entry::open(&self.folder)?;
        let path = |name: &str| entry.path.join(name);
        let provider = boundary::read_word(&path("provider"))?;
        let before = boundary::read_number(&path("generation"))?;
        boundary::write(&path("inblob"), report_data)?;
        let outblob = boundary::read(&path("outblob"), BLOB_BYTES_MAX)?;
        let auxblob = match path("auxblob") {
            path if path.exists() => Some(boundary::read(&path, BLOB_BYTES_MAX)?),
            _ => None,
        };
        // The kernel counts writes: exactly one was ours.
        if boundary::read_number(&path("generation"))? != before.wrapping_add(1) {
            return Err(TeeError::Conflict { attempts: 1 });
        }
        match provider.as_str() {
            SEV_GUEST => {
                let certificates = self.certificates_of(auxblob.as_deref().unwrap_or_default())?;
                let quote = SnpQuote::new(outblob, report_data, certificates)?;
                Ok(OwnEvidence::Snp(quote.with_uvm_endorsements(self.uvm_endorsements.clone())))
            }
            TDX_GUEST => Ok(OwnEvidence::Tdx(intel_quote::checked(&outblob, report_data)?)),
            other => Err(TeeError::Unexpected {
                path: path("provider"),
                found: excerpt(other).to_string(),
                expected: "sev_guest or tdx_guest",
            }),
        }
    }

    /// The host's certificates as PEM, the VEK first; where it gave none, those of the file.
    fn certificates_of(&self, auxblob: &[u8]) -> Result<Option<String>, TeeError> {
        if let Some(found) = of_table(auxblob)? {
            return Ok(Some(found));
        }
        let Some(file) = &self.certificates else { return Ok(None) };
        let bytes = boundary::read(file, BLOB_BYTES_MAX)?;
        Ok(Some(SnpCertificates::read(&bytes, &file.display().to_string())?.pem().to_owned()))
    }
}

impl EvidenceSource for ConfigfsTsm {
    fn name(&self) -> &'static str {
        SourceName::ConfigfsTsm.name()
    }

    fn evidence(&mut self, report_data: &[u8; 64]) -> Result<OwnEvidence, TeeError> {
        let mut attempts = 0_u32;
        loop {
            attempts = attempts.saturating_add(1);
            let (may_go_away, error) = match self.attempt(report_data) {
                Ok(evidence) => return Ok(evidence),
                Err(TeeError::Conflict { .. }) => (true, TeeError::Conflict { attempts }),
                // An entry that others use, or that others took away.
                Err(error @ TeeError::OtherReportData { .. }) => (true, error),
                Err(error @ (TeeError::Read { .. } | TeeError::Write { .. })) => (true, error),
                Err(error) => (false, error),
            };
            if !may_go_away || attempts >= ATTEMPTS {
                return Err(error);
            }
            sleep(PAUSE.saturating_mul(attempts));
        }
    }
}

/// The certificates in a host's table, PEM; none where there are none. Bodies are DER or PEM.
fn of_table(blob: &[u8]) -> Result<Option<String>, TeeError> {
    if blob.is_empty() {
        return Ok(None);
    }
    let mut text = String::new();
    for body in CertificateTable::parse(blob)?.certificates() {
        match pem::certificates_or_der(body, CERTIFICATES_MAX) {
            Ok(found) => {
                text.extend(found.iter().map(|der| pem::encode("CERTIFICATE", der)));
            }
            Err(error) => {
                let origin = "auxblob";
                return Err(TeeError::Certificates(SnpCertificates::unreadable(origin, &error)));
            }
        }
    }
    Ok((!text.is_empty()).then_some(text))
}

/// An entry that is removed when it has served.
struct Entry {
    path: PathBuf,
    is_own: bool,
}

impl Entry {
    fn open(folder: &Path) -> Result<Self, TeeError> {
        if folder.join("inblob").exists() {
            return Ok(Self { path: folder.to_owned(), is_own: false });
        }
        let entry = Self::make(folder)
            .map_err(|(path, error)| TeeError::Write { path, reason: error.to_string() })?;
        // The kernel's files come with the folder; others' may take a moment.
        if until(FILES_LOOKS, || entry.path.join("inblob").exists()) {
            return Ok(entry);
        }
        Err(absent(format!("a folder that is made in {} gets no inblob", folder.display())))
    }

    /// An entry of one's own; or where it could not be made, and why.
    fn make(folder: &Path) -> Result<Self, (PathBuf, std::io::Error)> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{PREFIX}{}-{number}", std::process::id()));
        let made = match fs::create_dir(&path) {
            // Of a process that is gone and had the same number.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                fs::remove_dir(&path).and_then(|()| fs::create_dir(&path))
            }
            made => made,
        };
        match made {
            Ok(()) => Ok(Self { path, is_own: true }),
            Err(error) => Err((path, error)),
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if self.is_own {
            // What stays is removed by the next process.
            until(LOOKS, || fs::remove_dir(&self.path).is_ok() || !self.path.exists());
        }
    }
}

/// Looks so often, every ten milliseconds.
fn until(looks: u32, is_so: impl Fn() -> bool) -> bool {
    for _ in 0..looks {
        if is_so() {
            return true;
        }
        sleep(Duration::from_millis(10));
    }
    false
}

fn absent(reason: String) -> TeeError {
    TeeError::Absent { source_name: SourceName::ConfigfsTsm.name(), reason }
}

/// Removes entries of processes that are no more. One of a process that only is not seen from here is made
/// anew by it.
fn remove_left(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        let process = rest.split('-').next().and_then(|number| number.parse::<u32>().ok());
        let is_gone = process.is_some_and(|number| !Path::new(&format!("/proc/{number}")).exists());
        if is_gone {
            // Not ours to report: it does no harm.
            let _ = fs::remove_dir(entry.path());
        }
    }
}
