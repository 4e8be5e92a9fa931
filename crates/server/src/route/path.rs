//! Segments of a path, and patterns that they fit.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Segments of the longest route, with the empty parent that some clients write.
const SEGMENTS_MAX: usize = 11;
/// Segments of the longest route that are not fixed.
const CAPTURES_MAX: usize = 4;

/// What segments may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// Printable ASCII.
    Data,
    /// Letters of any script and blanks too: names of resource groups, and of locations.
    Resources,
}

/// The segments of a path, each decoded after the path was split: an encoded slash can never make
/// two of one. Nothing is allocated for a path without escapes.
#[derive(Debug, Clone)]
pub(super) struct Path<'p> {
    segments: [Cow<'p, str>; SEGMENTS_MAX],
    count: usize,
    /// No route has such a path: it does not begin with a slash, has too many segments, or escapes
    /// that are no text.
    is_strange: bool,
}

impl<'p> Path<'p> {
    /// Takes a path apart; one trailing slash is left out.
    pub(super) fn decode(path: &'p str) -> Self {
        let mut is_strange = !path.starts_with('/');
        let path = path.strip_prefix('/').unwrap_or_default();
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut raw = path.split('/');
        let mut count = 0_usize;
        let segments = std::array::from_fn(|_| {
            let Some(segment) = raw.next() else { return Cow::Borrowed("") };
            count = count.saturating_add(1);
            percent_decode_str(segment).decode_utf8().unwrap_or_else(|_| {
                is_strange = true;
                Cow::Borrowed(segment)
            })
        });
        is_strange |= raw.next().is_some();
        Self { segments, count, is_strange }
    }

    /// What it begins with, whatever follows.
    pub(super) fn beginning(&self) -> &[Cow<'p, str>] {
        self.segments.get(..self.count).unwrap_or_default()
    }

    /// The same path without one of its segments.
    pub(super) fn without(&self, index: usize) -> Self {
        let mut without = self.clone();
        if let Some(rest) = without.segments.get_mut(index..) {
            rest.rotate_left(1);
            without.count = without.count.saturating_sub(1);
        }
        without
    }

    /// All segments, if each keeps to the rules: not empty, no dots to climb with, no separator.
    pub(super) fn segments(&self, rules: Rules) -> Option<&[Cow<'p, str>]> {
        let is_sound = |segment: &Cow<'_, str>| {
            let may_be = match rules {
                Rules::Data => segment.bytes().all(|byte| byte.is_ascii_graphic()),
                Rules::Resources => !segment.contains(char::is_control),
            };
            may_be
                && !segment.contains(['/', '\\', '%'])
                && !matches!(segment.as_ref(), "" | "." | "..")
        };
        let segments = self.beginning();
        (!self.is_strange && segments.iter().all(is_sound)).then_some(segments)
    }
}

/// What the variable segments of a pattern stand for in a path.
#[derive(Debug, Default)]
pub(super) struct Captures<'s> {
    found: [(&'static str, &'s str); CAPTURES_MAX],
    count: usize,
}

impl<'s> Captures<'s> {
    fn push(&mut self, name: &'static str, value: &'s str) -> Option<()> {
        *self.found.get_mut(self.count)? = (name, value);
        self.count = self.count.saturating_add(1);
        Some(())
    }

    /// The segment of this name.
    pub(super) fn get(&self, name: &str) -> Option<&'s str> {
        self.found.iter().find(|(found, _)| *found == name).map(|(_, value)| *value)
    }

    /// The segment of this name, to keep.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }
}

/// Whether a path fits a pattern such as `/policies/{type}:reset`, and what its variables stand for.
pub(super) fn captures<'s>(
    pattern: &'static str,
    segments: &'s [Cow<'_, str>],
) -> Option<Captures<'s>> {
    if !begins_alike(pattern, segments.first()?) {
        return None;
    }
    let mut captures = Captures::default();
    let mut parts = pattern.split('/').skip(1);
    for segment in segments {
        let part = parts.next()?;
        match part.strip_prefix('{') {
            Some(variable) => {
                let (name, ending) = variable.split_once('}')?;
                captures.push(name, before(segment, ending)?)?;
            }
            None if segment.eq_ignore_ascii_case(part) => {}
            None => return None,
        }
    }
    parts.next().is_none().then_some(captures)
}

/// Whether the first segment may fit: most patterns of a table are told apart by it.
fn begins_alike(pattern: &str, first: &str) -> bool {
    let pattern = pattern.as_bytes().get(1..).unwrap_or_default();
    let beginning = pattern.get(..first.len());
    pattern.starts_with(b"{")
        || beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(first.as_bytes()))
}

/// What stands before an ending, in any case.
fn before<'s>(segment: &'s str, ending: &str) -> Option<&'s str> {
    let at = segment.len().checked_sub(ending.len())?;
    let (before, found) = segment.split_at_checked(at)?;
    found.eq_ignore_ascii_case(ending).then_some(before)
}
