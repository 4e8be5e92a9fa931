//! IMA: what the Linux kernel measured while it ran.
//!
//! The kernel appends an entry to its list for each file that its policy names, and extends PCR 10 by
//! the entry's template hash. In reading order: [`List::read`] (ascii, binary or gzip) → [`prove`] with
//! the values of a verified quote → [`ProvenList`], the entries that PCR 10 proves → [`Appraisal`] by
//! the operator's [`References`] and [`FileKeys`].
//!
//! What is proven is that the kernel measured these contents under these names, in this order, before
//! the quote. What is not: that the policy measured everything that ran, that a name is where the file
//! lay (mounts and namespaces decide it), and, after somebody became root, that an entry is the
//! kernel's: root can extend PCR 10 by an entry of its own, but can take none back.
//!
//! Sources: the kernel's `Documentation/security/IMA-templates.rst` and
//! `Documentation/admin-guide/device-mapper/dm-ima.rst`.

mod aggregate;
mod appraisal;
mod ascii;
mod binary;
mod content;
mod error;
mod gzip;
mod keys;
mod list;
mod measured;
mod name;
mod offender;
mod references;
mod replay;
mod report;
mod requirement;
mod signature;
mod template;
mod verdict;

pub use aggregate::BootAggregate;
pub use appraisal::{Appraisal, Facts};
pub use content::{Buffer, Content, ContentError, DigestKind, File, FileDigest};
pub use error::{GzipError, ListError, ReplayError};
pub use gzip::inflate;
pub use keys::{FileKeys, FileKeysError};
pub use list::{Entry, Form, LIST_BYTES_MAX, List};
pub use measured::{KERNEL_VERSION, MeasuredKey};
pub use name::Name;
pub use offender::{Offender, Offenders, Offense};
pub use references::{References, ReferencesError};
pub use replay::{
    BankVerdict, Prefix, ProvenEntry, ProvenList, Rule, Sha1, claimed_value, prove, replay,
};
pub use requirement::{NotMet, Requirement};
pub use signature::{SignatureHeader, SignatureKind};
pub use template::Template;
pub use verdict::{EntryVerdict, Listing, Signed};
