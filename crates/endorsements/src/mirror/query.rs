//! Parameters of a query.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::MirrorRefusal;

/// A query as it was sent.
pub(super) struct Query<'q> {
    text: &'q str,
}

impl<'q> Query<'q> {
    pub(super) fn new(text: Option<&'q str>) -> Self {
        Self { text: text.unwrap_or_default() }
    }

    /// The first value of a parameter. A plus sign stands for itself.
    pub(super) fn get(&self, name: &str) -> Result<Option<Cow<'q, str>>, MirrorRefusal> {
        let pairs = self.text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let found = pairs
            .map(|(key, value)| (percent_decode_str(key).decode_utf8(), value))
            .find(|(key, _)| key.as_ref().is_ok_and(|key| key.eq_ignore_ascii_case(name)));
        let Some((_, value)) = found else { return Ok(None) };
        match percent_decode_str(value).decode_utf8() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(MirrorRefusal::Query(format!("{name} is no text."))),
        }
    }

    pub(super) fn required(&self, name: &str) -> Result<Cow<'q, str>, MirrorRefusal> {
        self.get(name)?.ok_or_else(|| MirrorRefusal::Query(format!("The query has no {name}.")))
    }
}
