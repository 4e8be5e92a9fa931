//! Vendor endorsements from files and directories.
//!
//! What is loaded here is filed by what it says of itself and trusted for nothing: the evidence
//! crates verify every signature when it is used. For Intel the files are sets of collateral in
//! JSON; for AMD certificates and CRLs, PEM or DER, in any order, or as hosts hand them out.

mod folder;
mod forms;
mod intel;
mod load;
mod name;
mod published;

pub use load::{EndorsementError, EndorsementSet, LoadError};
pub use name::{EndorsementName, NameError, PckCa, TcbEvaluation, VcekId};
pub use published::Published;
