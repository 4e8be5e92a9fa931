//! Vendor endorsements: from files and directories, and from the services of vendors and caches of them.
//!
//! What is loaded from files is filed by what it says of itself and trusted for nothing: the evidence
//! crates verify every signature when it is used. For Intel the files are sets of collateral in
//! JSON; for AMD certificates and CRLs, PEM or DER, in any order, or as hosts hand them out.
//!
//! What is fetched comes one thing at a time, each under an [`EndorsementName`]: a [`Source`] asks for it,
//! [`prove`] proves what came to be genuine and what was asked for, and a [`Keeper`] keeps it at hand
//! and fresh. Each use verifies it again.

mod bundle;
mod diff;
mod error;
mod folder;
mod forms;
mod intel;
mod keeper;
mod load;
mod name;
mod needs;
mod published;
mod source;
mod stated;
mod verify;

pub use bundle::{BUNDLE_BYTES_MAX, BUNDLE_THINGS_MAX, Bundle, BundleError, BundledThing};
pub use diff::{BundleDiff, BundleEntry, LevelChange, LevelVerdict, ReplacedEntry};
pub use error::{EndorsementError, LoadError};
pub use keeper::{
    Alert, Change, Clock, FailureStatus, FetchError, FetchFailure, Fetched, Keeper, KeeperParts,
    KeeperSettings, KeptStatus, NoShelf, RefresherStatus, Running, Shelf, ShelfError, SourceStatus,
    Status, SystemClock,
};
pub use load::EndorsementSet;
pub use name::{EndorsementName, NameError, PckCa, TcbEvaluation, VcekId};
pub use needs::{Need, NeedError, select};
pub use published::Published;
pub use source::{
    Answer, Budget, HttpSource, Source, SourceConfig, SourceConfigError, SourceError,
    SourceFailure, SourceKind, read_answer,
};
pub use stated::{Stated, StatedError, Version};
pub use verify::{ProofError, Proven, prove};
