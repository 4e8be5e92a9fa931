//! Why a log's registers do not show a boot of Windows.

use avouch_wire::{ParseError, failed_check};
use thiserror::Error;

use super::{NotOnlyWindows, TagId};
use crate::{EventType, Register};

/// Why nothing of a log counts as measured by Windows. Events are named by their place in the log,
/// from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WindowsError {
    /// The log does not explain PCR 12, on which all facts rest.
    #[error("the log does not explain PCR 12 ({verdict})")]
    Register {
        /// The verdict on it, or that it was not quoted.
        verdict: &'static str,
    },
    /// Nothing was measured before an operating system took over, or none did.
    #[error("{register} has no WBCL separator: Windows did not boot, or did not take over")]
    NoSeparator {
        /// The register.
        register: Register,
    },
    /// The separator's event says that it is something else.
    #[error("event {sequence} is the WBCL separator of {register} and says that it is {found}")]
    SeparatorType {
        /// The register.
        register: Register,
        /// The event.
        sequence: usize,
        /// The type that it has.
        found: EventType,
    },
    /// Windows takes over once.
    #[error("event {sequence} is a second WBCL separator of {register}")]
    SecondSeparator {
        /// The register.
        register: Register,
        /// The event.
        sequence: usize,
    },
    /// A digest is of other bytes than the event's data.
    #[error("the digest of event {sequence} of {register} does not cover its data")]
    Digest {
        /// The register.
        register: Register,
        /// The event.
        sequence: usize,
    },
    /// An event that is no tagged event, in a place where Windows measures nothing else.
    #[error("event {sequence} of {register} says that it is {found}, expected EV_EVENT_TAG")]
    EventType {
        /// The register.
        register: Register,
        /// The event.
        sequence: usize,
        /// The type that it has.
        found: EventType,
    },
    /// An event's data are no tags.
    #[error("event {sequence} of {register}: {source}")]
    Tags {
        /// The register.
        register: Register,
        /// The event.
        sequence: usize,
        /// What is wrong.
        source: Box<WindowsError>,
    },
    /// A tag is cut short.
    #[error(transparent)]
    Structure(#[from] ParseError),
    /// More tags than Windows measures.
    #[error("more than {limit} tags in one log")]
    TooManyTags {
        /// The largest number accepted.
        limit: usize,
    },
    /// More containers inside each other than Windows measures.
    #[error("more than {limit} containers of tags inside each other")]
    TooDeep {
        /// The largest number accepted.
        limit: usize,
    },
    /// A tag whose length its number fixes has another one.
    #[error("tag {id} has {found} bytes, expected {expected}")]
    TagLength {
        /// The tag.
        id: TagId,
        /// The length that it must have.
        expected: usize,
        /// The length that it has.
        found: usize,
    },
    /// A flag is neither 0 nor 1.
    #[error("tag {id} is {found}, expected 0 or 1")]
    TagValue {
        /// The tag.
        id: TagId,
        /// Its value.
        found: u8,
    },
    /// A tag that Windows measures once in a container stands there twice.
    #[error("tag {id} stands twice in one container")]
    TagTwice {
        /// The tag.
        id: TagId,
    },
    /// Something else than Windows may have measured what the log shows.
    #[error(transparent)]
    Origin(#[from] NotOnlyWindows),
    /// Windows was both started and resumed, by one log.
    #[error("one log shows both a boot and a resume of Windows")]
    BootAndResume,
    /// Two different values of a tag of which one boot has one.
    #[error("tag {id} has two different values in one boot")]
    Differs {
        /// The tag.
        id: TagId,
    },
    /// Logs that do not belong together, or not in this order.
    #[error("log {position} of the chain {problem}")]
    Chain {
        /// Place of the log in the chain, from 0.
        position: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// A chain of no logs.
    #[error("a chain needs at least one log")]
    NoLogs,
}

failed_check!(WindowsError {
    Self::Register { .. } => "windows-register",
    Self::NoSeparator { .. } | Self::SeparatorType { .. } | Self::SecondSeparator { .. } =>
        "windows-separator",
    Self::Digest { .. } => "windows-digest",
    Self::EventType { .. } => "windows-type",
    Self::Tags { source, .. } => (source.check()),
    Self::Structure(error) => (error.check(), ParseError::checks()),
    Self::TooManyTags { .. } | Self::TooDeep { .. } => "windows-tags",
    Self::TagLength { .. } | Self::TagValue { .. } | Self::TagTwice { .. } | Self::Differs { .. } =>
        "windows-tag",
    Self::Origin(error) => (error.check(), NotOnlyWindows::checks()),
    Self::BootAndResume => "windows-transfer",
    Self::Chain { .. } | Self::NoLogs => "windows-chain",
});
