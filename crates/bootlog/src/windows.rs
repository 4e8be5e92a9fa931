//! What Windows' boot components measure: tagged events in PCR 12, 13 and 14 ("WBCL").
//!
//! In reading order: [`Measured::read`] takes the tags of explained registers up to the separator by
//! which the operating system takes over → [`Session::read`] believes them if PCR 7 shows that nothing
//! but Windows was started, because otherwise root of another system can extend these registers by a
//! whole forged log → [`Chain`], for a system that was resumed from hibernation → [`WindowsFacts`].
//!
//! Tags are read from bytes that digests cover, and an event in a place where Windows measures tags
//! must be one, whatever it says that it is. Registers of a dynamic launch (PCR 17 to 22) are not read.

mod chain;
mod error;
mod facts;
mod json;
mod key;
mod measured;
mod origin;
mod parts;
mod said;
mod tag;
mod values;

pub use chain::{Chain, Session, Start};
pub use error::WindowsError;
pub use facts::WindowsFacts;
pub use key::{IdentityKey, NoIdentityKey};
pub use measured::{Measured, MeasuredEvent};
pub use origin::{NotOnlyWindows, WindowsAuthorities};
pub use parts::{ElamDriver, LoadedModule, RevocationList, SiPolicy};
pub use tag::{DEPTH_LIMIT, TAG_LIMIT, Tag, TagId, Tags};
