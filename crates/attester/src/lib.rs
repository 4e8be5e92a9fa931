//! The attester of a machine with a TPM 2.0: enrols an attestation key, quotes PCRs, collects the logs
//! that explain them, and obtains a token from a service that speaks MAA's TPM protocol.
//!
//! It proves nothing itself: what it sends is judged by the service. What it takes care of is that the
//! parts belong together (the values are those that were quoted, the lists reach up to the quote), that
//! the token is for a key of this machine, and that a service's answers cost it no more than their bounds.
//!
//! In reading order: [`Tpm`], what is asked of a TPM → [`enrol`] → [`Attester`] → [`Schedule`], when to do
//! it again. [`open`] gives the machine's TPM, if the crate is built with the feature `tss`; without it
//! there is no TPM library in the build, and [`open`] says so. Time is an argument; the randomness of keys
//! and signatures is the crypto library's.

mod attest;
mod attestation_key;
mod enrol;
mod files;
mod log_files;
mod measure;
mod nv;
mod payload;
mod pcr_choice;
mod request_key;
mod schedule;
mod service;
mod tpm;
#[cfg(feature = "tss")]
mod tss;

pub use attest::{AttestError, Attester, Enrolment, Report};
pub use attestation_key::{AttestationKeyFile, AttestationKeyFileError, HeldKey, Standing};
pub use enrol::{EnrolError, enrol};
pub use files::{write_private, write_whole};
pub use log_files::{LogError, LogFiles};
pub use measure::{MeasureError, Measured, measure};
pub use nv::{NvStorage, open_nv};
pub use pcr_choice::{PcrChoice, PcrChoiceError};
pub use request_key::{RequestKey, RequestKeyError};
pub use schedule::{Outcome, Schedule};
pub use service::{Service, ServiceError};
pub use tpm::{
    Attestation, Certification, Endorsement, IS_BUILT, KeySource, Tpm, TpmError, WrappedKey, open,
};
