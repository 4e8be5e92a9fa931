//! What an event is, by the bytes that its digest covers.

use crate::replay::ReplayedEvent;
use crate::uefi::Variable;

/// What an event of firmware is, by the bytes that its digest covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// Four bytes of zero: the end of a phase.
    Separator,
    /// A separator by which the firmware says that it failed.
    ErrorSeparator,
    /// Text: what the firmware did.
    Action(&'a str),
    /// A variable.
    Variable(Variable<'a>),
    /// A variable as old versions of shim logged it, with bytes behind it.
    OldShimVariable(Variable<'a>),
    /// Covered bytes of no such shape.
    Other,
    /// The digest is of other bytes than the event's data.
    Uncovered,
}

/// The end of an authority that shim before version 15.3 logged; the digest covers all but the last byte.
const STRAY: &[u8; 6] = &[0, 0, 0, 0, 0, 0xAF];
/// Longest text of an action, in bytes.
const ACTION_LIMIT: usize = 256;

impl<'a> Content<'a> {
    pub(super) fn of(event: &ReplayedEvent<'a>) -> Self {
        match event.data() {
            Some(data) => Self::of_covered(data),
            None => old_shim_authority(event).map_or(Self::Uncovered, Self::OldShimVariable),
        }
    }

    fn of_covered(data: &'a [u8]) -> Self {
        match data {
            [0, 0, 0, 0] => return Self::Separator,
            [0xFF] | [0xFF, 0xFF, 0xFF, 0xFF] | [1, 0, 0, 0] => return Self::ErrorSeparator,
            _ => {}
        }
        if let Some(text) = action(data) {
            return Self::Action(text);
        }
        Variable::parse(data).map_or(Self::Other, Self::Variable)
    }
}

/// Text of printable ASCII, which may end in one NUL.
fn action(data: &[u8]) -> Option<&str> {
    let text = data.strip_suffix(&[0]).unwrap_or(data);
    let printable = !text.is_empty() && text.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if !printable || text.len() > ACTION_LIMIT {
        return None;
    }
    std::str::from_utf8(text).ok()
}

/// An authority as shim before version 15.3 logged it: six bytes follow the variable, of which the
/// digest covers the first five, zeros. Only authorities named `Shim` and `db` are known so.
fn old_shim_authority<'a>(event: &ReplayedEvent<'a>) -> Option<Variable<'a>> {
    let data = event.untrusted_data();
    if !data.ends_with(STRAY) {
        return None;
    }
    let (variable, rest) = Variable::parse_front(data).ok()?;
    let known = matches!(variable.name.as_str(), "Shim" | "db");
    let (_, covered) = data.split_last()?;
    (known && rest == STRAY && event.covers(covered)).then_some(variable)
}
