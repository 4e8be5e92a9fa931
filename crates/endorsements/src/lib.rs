//! Vendor endorsements from files and directories.
//!
//! What is loaded here is filed by what it says of itself and trusted for nothing: the evidence
//! crates verify every signature when it is used. For Intel the files are sets of collateral in
//! JSON; for AMD certificates and CRLs, PEM or DER, in any order, or as hosts hand them out.

mod bundle;
mod diff;
mod folder;
mod forms;
mod intel;
mod load;
mod name;
mod needs;
mod published;
mod stated;

pub use bundle::{BUNDLE_BYTES_MAX, BUNDLE_THINGS_MAX, Bundle, BundleError, BundledThing};
pub use diff::{BundleDiff, BundleEntry, LevelChange, LevelVerdict, ReplacedEntry};
pub use load::{EndorsementError, EndorsementSet, LoadError};
pub use name::{EndorsementName, NameError, PckCa, TcbEvaluation, VcekId};
pub use needs::{Need, NeedError, select};
pub use published::Published;
pub use stated::{Stated, StatedError, Version};
