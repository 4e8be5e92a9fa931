//! Events of several registers, in the order of the log.

use std::iter::Peekable;

use super::{ReplayedEvent, ReplayedEvents};

/// The events of several registers of one bank, of which each has its own in the order of the log.
/// Nothing is sorted and nothing copied: there are few registers.
pub(crate) fn in_log_order<'a>(
    registers: Vec<ReplayedEvents<'a>>,
) -> impl Iterator<Item = ReplayedEvent<'a>> + use<'a> {
    let mut registers: Vec<Peekable<ReplayedEvents<'a>>> =
        registers.into_iter().map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        let mut first: Option<(usize, &mut Peekable<ReplayedEvents<'a>>)> = None;
        for register in &mut registers {
            let Some(sequence) = register.peek().map(ReplayedEvent::untrusted_sequence) else {
                continue;
            };
            if first.as_ref().is_none_or(|(least, _)| sequence < *least) {
                first = Some((sequence, register));
            }
        }
        first?.1.next()
    })
}
