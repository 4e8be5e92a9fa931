//! Which source is asked.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use avouch_attester::open_nv;

use crate::boundary::{self, BLOB_BYTES_MAX};
use crate::{AzureVtpm, ConfigfsTsm, EvidenceSource, Gramine, Host, TeeError};

/// A source, or the choice of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SourceName {
    /// The first of the others that is there.
    #[default]
    Auto,
    /// None.
    None,
    /// Linux' configfs-TSM.
    ConfigfsTsm,
    /// Gramine.
    Gramine,
    /// The virtual TPM of a confidential machine.
    AzureVtpm,
}

impl SourceName {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Auto, Self::None, Self::ConfigfsTsm, Self::Gramine, Self::AzureVtpm];

    /// The name in configurations and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::ConfigfsTsm => "configfs-tsm",
            Self::Gramine => "gramine",
            Self::AzureVtpm => "azure-vtpm",
        }
    }
}

impl FromStr for SourceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|one| one.name() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.into_iter().map(Self::name).collect();
            format!("{text:?} is no source of evidence; there are {}", known.join(", "))
        })
    }
}

/// Where sources are, and which is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeeSettings {
    /// Which source.
    pub source: SourceName,
    /// Folder of configfs-TSM.
    pub configfs: PathBuf,
    /// Folder of Gramine's pseudo-files.
    pub gramine: PathBuf,
    /// The virtual TPM, as its library names it.
    pub tcti: String,
    /// The service of a host, for [`AzureVtpm`].
    pub host_endpoint: Option<String>,
    /// Certificates of SEV-SNP, where the host gives none with a report.
    pub certificates: Option<PathBuf>,
    /// Endorsements of the utility VM: a `COSE_Sign1`, or base64 of it.
    pub uvm_endorsements: Option<PathBuf>,
}

impl Default for TeeSettings {
    fn default() -> Self {
        Self {
            source: SourceName::Auto,
            configfs: PathBuf::from("/sys/kernel/config/tsm/report"),
            gramine: PathBuf::from("/dev/attestation"),
            tcti: "device:/dev/tpmrm0".to_owned(),
            host_endpoint: Some("http://169.254.169.254".to_owned()),
            certificates: None,
            uvm_endorsements: None,
        }
    }
}

/// What auto looks for, in order: only an enclave has Gramine's files.
const BY_ITSELF: [SourceName; 3] =
    [SourceName::Gramine, SourceName::ConfigfsTsm, SourceName::AzureVtpm];

impl TeeSettings {
    /// The source that is wanted; with [`SourceName::Auto`] the first that is there and can be asked, if any is.
    ///
    /// # Errors
    /// [`TeeError`] if a source is demanded and not there, or a file that is named cannot be used; with
    /// [`SourceName::Auto`] also if none can be asked and one seems to be there.
    pub fn choose(&self) -> Result<Option<Box<dyn EvidenceSource>>, TeeError> {
        match self.source {
            SourceName::None => Ok(None),
            SourceName::Auto => self.first_that_answers(),
            name => self.open(name).map(Some),
        }
    }

    fn first_that_answers(&self) -> Result<Option<Box<dyn EvidenceSource>>, TeeError> {
        let mut passed_over = None;
        for name in BY_ITSELF {
            match self.open(name) {
                Ok(found) => return Ok(Some(found)),
                Err(TeeError::Absent { .. }) => {}
                Err(error) if self.names_the_file_of(&error) => return Err(error),
                // What is half there must not hide what works.
                Err(error) => passed_over = passed_over.or(Some(error)),
            }
        }
        passed_over.map_or(Ok(None), Err)
    }

    /// Whether an error is of a file that these settings name: going without it is nobody's wish.
    #[must_use]
    pub fn names_the_file_of(&self, error: &TeeError) -> bool {
        let (TeeError::Read { path, .. } | TeeError::TooLarge { path, .. }) = error else {
            return false;
        };
        self.uvm_endorsements.as_ref() == Some(path)
    }

    /// As [`TeeSettings::choose`], for no longer than `within`: what is looked at may never answer.
    ///
    /// # Errors
    /// As [`TeeSettings::choose`]; [`TeeError::Silent`].
    pub fn choose_within(
        &self,
        within: Duration,
    ) -> Result<Option<Box<dyn EvidenceSource>>, TeeError> {
        let (settings, (chosen, choice)) = (self.clone(), sync_channel(1));
        let choose = move || {
            // Who asked may have gone.
            let _ = chosen.try_send(settings.choose());
        };
        let started = thread::Builder::new().name("tee-choice".to_owned()).spawn(choose);
        started.map_err(|_| TeeError::Ended)?;
        let silent = |_| Err(TeeError::Silent { milliseconds: within.as_millis() });
        choice.recv_timeout(within).unwrap_or_else(silent)
    }

    fn open(&self, name: SourceName) -> Result<Box<dyn EvidenceSource>, TeeError> {
        Ok(match name {
            SourceName::Gramine => Box::new(Gramine::open(&self.gramine)?),
            SourceName::AzureVtpm => {
                let host = self.host_endpoint.as_deref().map(Host::new).transpose()?;
                let tcti = self.tcti.clone();
                let found = AzureVtpm::new(move || open_nv(&tcti))?;
                Box::new(found.with_host(host).with_certificates(self.certificates.clone()))
            }
            SourceName::ConfigfsTsm | SourceName::Auto | SourceName::None => {
                let found = ConfigfsTsm::open(&self.configfs)?;
                if self.source == SourceName::Auto {
                    found.check_answers()?;
                }
                let found = found.with_certificates(self.certificates.clone());
                Box::new(found.with_uvm_endorsements(self.uvm_endorsements()?))
            }
        })
    }

    fn uvm_endorsements(&self) -> Result<Option<Vec<u8>>, TeeError> {
        let Some(file) = &self.uvm_endorsements else { return Ok(None) };
        let bytes = boundary::read(file, BLOB_BYTES_MAX)?;
        let text = str::from_utf8(&bytes).ok();
        let decoded =
            text.and_then(|text| avouch_wire::base64url::decode_standard(text.trim()).ok());
        Ok(Some(decoded.unwrap_or(bytes)))
    }
}
