//! Event logs of the TCG's PC Client Platform Firmware Profile, read strictly.
//!
//! A parsed log is a claim: every accessor of [`Event`] that no digest covers says `untrusted`. Only
//! [`crate::replay`] makes anything of it that facts may rest on.

mod error;
mod event;
mod log;
mod no_action;
mod reader;
mod spec_id;

pub use error::LogError;
pub(crate) use event::Place;
pub use event::{Digests, Event};
pub use log::{DATA_LIMIT, EVENT_LIMIT, Form, LOG_LIMIT, Log};
pub use reader::Events;
pub(crate) use reader::Reader;
pub use spec_id::SpecId;
