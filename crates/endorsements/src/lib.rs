//! Vendor endorsements: from files and directories, and from the services of vendors and caches of them.
//!
//! What is at hand is filed by what it says of itself and trusted for nothing: the evidence crates
//! verify every signature when it is used. [`EndorsementSet`] is one snapshot of it: files and folders
//! ([`EndorsementSet::load`], by [`recognise`]) and what was [`Published`] under an
//! [`EndorsementName`] since. [`Asked`] says what an appraisal missed.
//!
//! What is fetched comes one thing at a time: a [`Source`] asks for it, [`prove`] proves what came to be
//! genuine and what was asked for, and a [`Keeper`] keeps it at hand and fresh.

mod amd;
mod asked;
mod bundle;
mod by_name;
mod chains;
mod diff;
mod error;
mod folder;
mod forms;
mod intel;
mod keeper;
mod load;
mod mirror;
mod name;
mod needs;
mod published;
mod recognise;
mod set;
mod source;
mod spread;
mod stated;
mod tpm;
mod verify;

pub use asked::{Asked, Wanted};
pub use avouch_dcap::TcbEvaluation;
pub use bundle::{BUNDLE_BYTES_MAX, BUNDLE_THINGS_MAX, Bundle, BundleError, BundledThing};
pub use diff::{BundleDiff, BundleEntry, LevelChange, LevelVerdict, ReplacedEntry};
pub use error::{EndorsementError, LoadError};
pub use keeper::{
    Alert, Change, Clock, FailureStatus, FetchError, FetchFailure, Fetched, Keeper, KeeperParts,
    KeeperSettings, KeptStatus, NoShelf, RefresherStatus, Running, Shelf, ShelfError, SourceStatus,
    Status, SystemClock,
};
pub use mirror::{
    MirrorAnswer, MirrorPath, MirrorRefusal, MirrorRequest, MirrorScope, NameRule, NameRuleError,
};
pub use name::{EndorsementName, NameError, PckCa, VcekId};
pub use needs::{Need, NeedError, select};
pub use published::Published;
pub use recognise::{Recognised, recognise};
pub use set::EndorsementSet;
pub use source::{
    Answer, Budget, HttpSource, Source, SourceConfig, SourceConfigError, SourceError,
    SourceFailure, SourceKind, read_answer,
};
pub use stated::{Stated, StatedError, Version};
pub use verify::{ProofError, Proven, prove};
