//! Edits of a source text that remember to whom every inserted piece belongs.

use std::cmp::Reverse;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// To whom an edit belongs; what does not compile is taken out by its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Owner {
    /// The mutant of this number.
    Mutant(u32),
    /// A place that reads a constant.
    Site(u32),
    /// The word `const` of a function.
    Strip(u32),
    /// The frame of other edits; never the cause of an error.
    Frame,
}

/// Text put before and after a range, or in its place.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) replaces: bool,
    pub(crate) owner: Owner,
}

/// Where the inserted texts of an edit stand in the rendered file.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) owner: Owner,
    pub(crate) before: Range<usize>,
    pub(crate) after: Range<usize>,
}

/// A file with its edits carried out.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pub(crate) text: String,
    pub(crate) pieces: Vec<Piece>,
}

/// Carries out edits whose ranges nest; of those with one range the first is outermost.
pub(crate) fn render(text: &str, edits: &[&Edit]) -> Rendered {
    let mut sorted: Vec<(usize, &Edit)> = edits.iter().copied().enumerate().collect();
    sorted.sort_by_key(|(order, edit)| {
        let range = &edit.range;
        (range.start, !range.is_empty(), Reverse(range.end), *order)
    });
    let mut writer = Writer { text, at: 0, rendered: Rendered::default(), open: Vec::new() };
    for (_, edit) in sorted {
        writer.close_until(edit.range.start);
        if !writer.is_inside_replaced() {
            writer.open(edit);
        }
    }
    writer.close_until(usize::MAX);
    writer.copy_until(text.len());
    writer.rendered
}

struct Writer<'a> {
    text: &'a str,
    at: usize,
    rendered: Rendered,
    open: Vec<(&'a Edit, usize)>,
}

impl<'a> Writer<'a> {
    fn is_inside_replaced(&self) -> bool {
        self.open.iter().any(|(edit, _)| edit.replaces)
    }

    fn copy_until(&mut self, end: usize) {
        let part = self.text.get(self.at..end).unwrap_or_default();
        if !self.is_inside_replaced() {
            self.rendered.text.push_str(part);
        }
        self.at = self.at.max(end);
    }

    fn insert(&mut self, text: &str) -> Range<usize> {
        let start = self.rendered.text.len();
        self.rendered.text.push_str(text);
        start..self.rendered.text.len()
    }

    fn open(&mut self, edit: &'a Edit) {
        self.copy_until(edit.range.start);
        let before = self.insert(&edit.before);
        let after = before.end..before.end;
        self.open.push((edit, self.rendered.pieces.len()));
        self.rendered.pieces.push(Piece { owner: edit.owner, before, after });
    }

    fn close_until(&mut self, position: usize) {
        while let Some((edit, piece)) = self.open.last().copied() {
            if edit.range.end > position {
                return;
            }
            self.copy_until(edit.range.end);
            self.open.pop();
            let after = self.insert(&edit.after);
            if let Some(piece) = self.rendered.pieces.get_mut(piece) {
                piece.after = after;
            }
        }
    }
}

/// The text of `node` with some of its parts replaced.
pub(crate) fn spliced(text: &str, node: &Range<usize>, parts: &[(Range<usize>, String)]) -> String {
    let mut parts: Vec<_> = parts.iter().collect();
    parts.sort_by_key(|(range, _)| range.start);
    let mut result = String::new();
    let mut at = node.start;
    for (range, replacement) in parts {
        result.push_str(text.get(at..range.start).unwrap_or_default());
        result.push_str(replacement);
        at = range.end;
    }
    result.push_str(text.get(at..node.end).unwrap_or_default());
    result
}
