//! What a log says happened, event by event, for people.
//!
//! Nothing here is a fact: of each event it is told what the log says of it, and how much of that its
//! digest covers.

mod describe;

use crate::coverage::Coverage;
use crate::tcg::{Event, Log};
use crate::{EventType, HashAlgorithm, Register};

/// What the log says of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step<'a> {
    /// Place of the event in the log, from 0.
    pub sequence: usize,
    /// What it extends; `None` for events that inform alone.
    pub register: Option<Register>,
    /// Its type.
    pub event_type: EventType,
    /// Who seems to have measured it.
    pub by: &'static str,
    /// What it says that it is. Text of the log is quoted, without characters that control terminals.
    pub what: String,
    /// Which bytes of it its digest is of.
    pub covered: Coverage<'a>,
}

impl Step<'_> {
    /// What of it the digest does not prove; `None` if it proves all that [`Self::what`] says.
    #[must_use]
    pub fn unproven(&self) -> Option<&'static str> {
        Some(match self.covered {
            _ if self.register.is_none() => "extends nothing, so nothing proves it",
            Coverage::Data | Coverage::Text(_) | Coverage::TextWithNul(_) => return None,
            Coverage::NameInAscii(_) => return None,
            Coverage::VariableValue => "the name is not measured, the value is",
            Coverage::Labelled(_) => "the name is not measured, the content is",
            Coverage::NotInLog => "what was measured is not in the log; this only names it",
            Coverage::NoDigest => "no digest in this bank",
        })
    }
}

/// What a log says, event by event, with what the digests of `algorithm` cover.
pub fn timeline<'a>(
    log: &Log<'a>,
    algorithm: HashAlgorithm,
) -> impl ExactSizeIterator<Item = Step<'a>> + use<'a> {
    log.events().map(move |event| step(&event, algorithm))
}

fn step<'a>(event: &Event<'a>, algorithm: HashAlgorithm) -> Step<'a> {
    let covered = Coverage::of(event, algorithm);
    Step {
        sequence: event.untrusted_sequence(),
        register: event.extends(),
        event_type: event.untrusted_type(),
        by: describe::measurer(event),
        what: describe::what(event),
        covered,
    }
}
