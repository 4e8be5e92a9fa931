//! Which bytes of an event its digest is of.

use crate::tcg::Event;
use crate::uefi::{Variable, utf16};
use crate::{Digest, HashAlgorithm};

/// Which bytes of an event its digest is of, as far as they stand in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Coverage<'a> {
    /// The data, whole.
    Data,
    /// The value of the variable in the data; neither vendor nor name.
    VariableValue,
    /// The text behind a label of GRUB's, without the NUL that closes it.
    Text(&'a str),
    /// The text behind a label of GRUB's, with the NUL that closes it.
    TextWithNul(&'a str),
    /// The ASCII text, with its NUL, of what the data write in UTF-16: a section's name.
    NameInAscii(String),
    /// What follows a name of 16 bytes and a length of 4: td-shim's form.
    Labelled(&'a [u8]),
    /// Bytes that the log does not have.
    NotInLog,
    /// The event has no digest in this bank.
    NoDigest,
}

/// What GRUB writes before the text that it measures. No digest covers it.
const LABELS: [&str; 4] = ["grub_kernel_cmdline ", "kernel_cmdline: ", "grub_cmd: ", "grub_cmd "];
/// The labels of kernel command lines.
const COMMAND_LINES: [&str; 2] = ["grub_kernel_cmdline ", "kernel_cmdline: "];
/// Length of the name before what td-shim measures.
const NAME: usize = 16;
/// The name before the kernel's command line.
const TD_SHIM_PAYLOAD: &[u8] = b"td_payload_info";

impl<'a> Coverage<'a> {
    /// What the digest of `event` in the bank of `algorithm` is of. At most six digests are made.
    #[must_use]
    pub fn of(event: &Event<'a>, algorithm: HashAlgorithm) -> Self {
        let digest = event.digests().get(algorithm);
        let Some(digest) = digest.and_then(|bytes| Digest::new(algorithm, bytes)) else {
            return Self::NoDigest;
        };
        let covers = |bytes: &[u8]| algorithm.hash(&[bytes]) == Some(digest);
        let data = event.untrusted_data();
        if covers(data) {
            return Self::Data;
        }
        if Variable::parse(data).is_ok_and(|variable| covers(variable.data)) {
            return Self::VariableValue;
        }
        text(data, covers)
            .or_else(|| name_in_ascii(data, covers))
            .or_else(|| {
                labelled(data)
                    .filter(|(_, rest)| covers(rest))
                    .map(|(_, rest)| Self::Labelled(rest))
            })
            .unwrap_or(Self::NotInLog)
    }

    /// In words, of what is covered.
    #[must_use]
    pub const fn describe(&self) -> &'static str {
        match self {
            Self::Data => "event data",
            Self::VariableValue => "variable value",
            Self::Text(_) => "text after prefix",
            Self::TextWithNul(_) => "text after prefix, with NUL",
            Self::NameInAscii(_) => "ASCII name with NUL",
            Self::Labelled(_) => "data after name and length",
            Self::NotInLog => "not in the log",
            Self::NoDigest => "no digest",
        }
    }
}

fn text<'a>(data: &'a [u8], covers: impl Fn(&[u8]) -> bool) -> Option<Coverage<'a>> {
    let labelled = LABELS.iter().find_map(|label| data.strip_prefix(label.as_bytes()))?;
    let end = labelled.iter().position(|byte| *byte == 0);
    let text = labelled.get(..end.unwrap_or(labelled.len()))?;
    let readable = std::str::from_utf8(text).ok()?;
    if covers(text) {
        return Some(Coverage::Text(readable));
    }
    let with_nul = labelled.get(..end?.saturating_add(1))?;
    covers(with_nul).then_some(Coverage::TextWithNul(readable))
}

fn name_in_ascii<'a>(data: &[u8], covers: impl Fn(&[u8]) -> bool) -> Option<Coverage<'a>> {
    let name = utf16(data)?;
    (name.is_ascii() && covers(name.as_bytes()))
        .then(|| Coverage::NameInAscii(name.trim_end_matches('\0').to_owned()))
}

/// The name and the content of td-shim's form.
fn labelled(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = data.split_at_checked(NAME)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    (usize::try_from(u32::from_le_bytes(*length)) == Ok(rest.len())).then_some((name, rest))
}

/// The kernel's command line that an event holds, if its digest is of exactly that: under one of GRUB's
/// labels, or as td-shim's payload information. That it is such a line, no digest says.
#[must_use]
pub fn untrusted_command_line<'a>(event: &Event<'a>, algorithm: HashAlgorithm) -> Option<&'a str> {
    let data = event.untrusted_data();
    if COMMAND_LINES.iter().any(|label| data.starts_with(label.as_bytes())) {
        let (Coverage::Text(text) | Coverage::TextWithNul(text)) = Coverage::of(event, algorithm)
        else {
            return None;
        };
        return Some(text);
    }
    let (name, content) = labelled(data)?;
    let text = std::str::from_utf8(content.split(|byte| *byte == 0).next()?).ok()?;
    let is_covered = || Coverage::of(event, algorithm) == Coverage::Labelled(content);
    (name == TD_SHIM_PAYLOAD && is_covered()).then_some(text)
}
