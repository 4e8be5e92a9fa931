//! Own evidence: what the TEE that a process runs in says of it, for 64 bytes of the process's choice.
//!
//! What this crate proves: nothing. Evidence is judged by who receives it. What it takes care of is that the
//! evidence is for the bytes that were asked about, that it came whole, that nothing it reads is larger than
//! its bounds, that nothing is left behind, and that a TEE which does not answer stops nobody
//! ([`TeeWorker`]).
//!
//! In reading order: [`TeeSettings::choose`] finds a source → [`EvidenceSource::evidence`] asks it →
//! [`OwnEvidence`], and what of it goes into a signing certificate ([`OwnEvidence::extension`]). Sources are
//! [`ConfigfsTsm`] (SEV-SNP, TDX), [`Gramine`] (SGX) and [`AzureVtpm`] (confidential machines whose paravisor
//! reports). [`sealed_key`] is a key that only the same enclave gets.
//!
//! There is no `unsafe` here, and `/dev/sev-guest` takes requests by `ioctl` only: kernels without
//! configfs-TSM (before Linux 6.7) are not served.

mod azure_vtpm;
mod boundary;
mod certificates;
mod configfs_tsm;
mod error;
mod evidence;
mod gramine;
mod host;
mod intel_quote;
mod later;
mod open_enclave;
mod settings;
mod snp_quote;
mod source;
mod worker;

pub use azure_vtpm::{AzureVtpm, HCL_REPORT_INDEX, USER_DATA_INDEX};
pub use certificates::{CertificatesError, SnpCertificates};
pub use configfs_tsm::ConfigfsTsm;
pub use error::TeeError;
pub use evidence::OwnEvidence;
pub use gramine::{Gramine, SealedKey, SealedTo, sealed_key};
pub use host::Host;
pub use later::Later;
pub use settings::{SourceName, TeeSettings};
pub use snp_quote::SnpQuote;
pub use source::EvidenceSource;
pub use worker::TeeWorker;
