//! Structures of UEFI that events carry as data.
//!
//! Reading one says what bytes mean, not whether they were measured: hand in what
//! [`crate::replay::ReplayedEvent::data`] gives.

mod gpt;
mod guid;
mod image_load;
mod signature_list;
mod variable;

pub use gpt::{PartitionEntry, PartitionTable};
pub use guid::Guid;
pub use image_load::ImageLoad;
pub use signature_list::{Signature, Signatures, signatures};
pub use variable::Variable;
pub(crate) use variable::{encode_variable, utf16};
