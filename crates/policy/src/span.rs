//! Places in a policy text: byte spans, and the line and column that people read.

use serde::{Deserialize, Serialize};

/// A range of bytes in the policy text (after a byte order mark, if there was one).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
}

impl Span {
    /// The range from `start` up to, not including, `end`.
    #[must_use]
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest range that covers both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The text of the range, or nothing if the range does not fit `text`.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// Line and column, both from 1.
///
/// A column is one code point, a tab too; a line ends at LF, CR LF or a lone CR. A byte order mark
/// takes no column (`docs/maa/policies.md#phrases-of-the-languages-errors`).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Position {
    /// Line in the text, from 1.
    pub line: usize,
    /// Column in code points, from 1.
    pub column: usize,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// How many code points lie between two remembered places.
const CHECKPOINT_CHARS: usize = 64;

/// Finds lines and columns without reading the text again from its start.
#[derive(Debug, Clone)]
pub(crate) struct LineIndex {
    /// Byte offset and its position, ascending.
    checkpoints: Vec<(usize, Position)>,
}

impl LineIndex {
    pub(crate) fn new(text: &str) -> Self {
        let begin = Position { line: 1, column: 1 };
        let mut checkpoints = vec![(0, begin)];
        let places = positions(text, begin).skip(CHECKPOINT_CHARS.saturating_sub(1));
        checkpoints.extend(places.step_by(CHECKPOINT_CHARS));
        Self { checkpoints }
    }

    /// The position of the byte at `offset` of `text`, the text the index was made from.
    pub(crate) fn position(&self, text: &str, offset: usize) -> Position {
        let after = self.checkpoints.partition_point(|(start, _)| *start <= offset);
        let begin = (0, Position { line: 1, column: 1 });
        let (start, at) = self.checkpoints.get(after.saturating_sub(1)).copied().unwrap_or(begin);
        let rest = text.get(start..).unwrap_or_default();
        let within = offset.saturating_sub(start);
        let passed = positions(rest, at).take_while(|(behind, _)| *behind <= within);
        passed.last().map_or(at, |(_, at)| at)
    }
}

/// The places behind each character of `text`, which begins at `at`.
fn positions(text: &str, mut at: Position) -> impl Iterator<Item = (usize, Position)> {
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (offset, c) = chars.next()?;
        let ends_line = c == '\n' || (c == '\r' && chars.peek().is_none_or(|(_, n)| *n != '\n'));
        at = advance(at, ends_line);
        Some((offset.saturating_add(c.len_utf8()), at))
    })
}

fn advance(at: Position, ends_line: bool) -> Position {
    if ends_line {
        Position { line: at.line.saturating_add(1), column: 1 }
    } else {
        Position { line: at.line, column: at.column.saturating_add(1) }
    }
}
