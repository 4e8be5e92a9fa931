//! Measurement lists of IMA, built entry by entry, with the values of PCR 10 that they lead to.
//!
//! Bytes follow the kernel's `Documentation/security/IMA-templates.rst` and
//! `Documentation/admin-guide/device-mapper/dm-ima.rst`. The register is computed here, apart from any
//! reader of lists.

mod breaks;
pub mod device_mapper;
mod entry;
mod keys;
mod list;

pub use breaks::{Broken, Ground, ImaBreak, breaks, ground};
pub use entry::{ImaEntry, SignedEntry};
pub use keys::{FileKey, FileKeyKind};
pub use list::{Extension, ImaList};
