//! Gramine's `/dev/attestation`: quotes of an enclave of SGX, and keys that only the enclave gets.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use avouch_wire::excerpt;
use zeroize::Zeroizing;

use crate::boundary::{self, BLOB_BYTES_MAX};
use crate::intel_quote;
use crate::{EvidenceSource, OwnEvidence, SourceName, TeeError};

/// What Gramine says where quotes can be had: `sgx.remote_attestation` of its manifest.
const DCAP: &str = "dcap";
/// How often it is tried while somebody else asks in between.
const ATTEMPTS: u32 = 5;
/// Length of a key of the processor, in bytes.
const KEY_BYTES: usize = 16;

/// The folder of pseudo-files.
#[derive(Debug, Clone)]
pub struct Gramine {
    folder: PathBuf,
}

impl Gramine {
    /// Quotes of this folder, usually `/dev/attestation`.
    ///
    /// # Errors
    /// [`TeeError::Absent`] if it is no folder of Gramine's, or the manifest switches remote attestation off;
    /// [`TeeError::Unexpected`] if it is of another kind than DCAP.
    pub fn open(folder: &Path) -> Result<Self, TeeError> {
        let path = folder.join("attestation_type");
        let absent =
            |reason: String| TeeError::Absent { source_name: SourceName::Gramine.name(), reason };
        if !path.exists() {
            return Err(absent(format!("there is no {}", path.display())));
        }
        match boundary::read_word(&path)?.as_str() {
            DCAP => Ok(Self { folder: folder.to_owned() }),
            "none" => Err(absent(format!(
                "{} says none: set sgx.remote_attestation = \"dcap\" in the manifest",
                path.display()
            ))),
            other => Err(TeeError::Unexpected {
                path,
                found: excerpt(other).to_string(),
                expected: DCAP,
            }),
        }
    }
}

impl EvidenceSource for Gramine {
    fn name(&self) -> &'static str {
        SourceName::Gramine.name()
    }

    fn evidence(&mut self, report_data: &[u8; 64]) -> Result<OwnEvidence, TeeError> {
        let mut attempts = 0_u32;
        loop {
            attempts = attempts.saturating_add(1);
            boundary::write(&self.folder.join("user_report_data"), report_data)?;
            let quote = boundary::read(&self.folder.join("quote"), BLOB_BYTES_MAX)?;
            match intel_quote::checked(&quote, report_data) {
                Ok(quote) => return Ok(OwnEvidence::Sgx(quote)),
                // Another thread of this enclave wrote in between.
                Err(TeeError::OtherReportData { .. }) if attempts < ATTEMPTS => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Who gets the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedTo {
    /// The same code on the same processor.
    MrEnclave,
    /// All code of the same signer on the same processor.
    MrSigner,
}

impl SealedTo {
    const fn file(self) -> &'static str {
        match self {
            Self::MrEnclave => "keys/_sgx_mrenclave",
            Self::MrSigner => "keys/_sgx_mrsigner",
        }
    }
}

/// A key of 128 bits that the processor derives for this enclave, from below this folder. Blocks for no longer than
/// `within`: a file that never answers costs one thread.
///
/// # Errors
/// [`TeeError`] if there is none, or none of that length; [`TeeError::Silent`] if it does not answer in time.
pub fn sealed_key(
    folder: &Path,
    sealed_to: SealedTo,
    within: Duration,
) -> Result<SealedKey, TeeError> {
    let path = folder.join(sealed_to.file());
    let (answer, answered) = sync_channel(1);
    // Who asked may have gone.
    let read = move || drop(answer.try_send(read_sealed_key(&path)));
    let started = thread::Builder::new().name("sealed-key".to_owned()).spawn(read);
    started.map_err(|_| TeeError::Ended)?;
    answered.recv_timeout(within).unwrap_or_else(|error| {
        Err(match error {
            RecvTimeoutError::Timeout => TeeError::Silent { milliseconds: within.as_millis() },
            RecvTimeoutError::Disconnected => TeeError::Ended,
        })
    })
}

/// A key of the processor. Where it goes, its bytes stay in one place, which is overwritten at the end.
pub type SealedKey = Box<Zeroizing<[u8; KEY_BYTES]>>;

fn read_sealed_key(path: &Path) -> Result<SealedKey, TeeError> {
    // One more than a key has, to see that there is no more.
    let mut bytes = Zeroizing::new([0; KEY_BYTES + 1]);
    let length = boundary::read_into(path, bytes.as_mut())?;
    if length > KEY_BYTES {
        return Err(TeeError::TooLarge { path: path.to_owned(), limit: KEY_BYTES as u64 });
    }
    let whole = bytes.first_chunk::<KEY_BYTES>().filter(|key| **key != [0; KEY_BYTES]);
    let whole = whole.filter(|_| length == KEY_BYTES).ok_or_else(|| TeeError::Unexpected {
        path: path.to_owned(),
        found: format!("{length} bytes"),
        expected: "16 bytes that are not all zero",
    })?;
    let mut key = Box::new(Zeroizing::new([0; KEY_BYTES]));
    key.copy_from_slice(whole);
    Ok(key)
}
