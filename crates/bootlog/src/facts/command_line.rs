//! Kernel command lines, by PCR 8 (GRUB) and PCR 12 (systemd-boot and systemd-stub).

use crate::replay::{ExplainedRegister, ReplayedEvent};
use crate::uefi::utf16;

/// What GRUB writes before the text that it measures. No digest covers it.
const LABELS: [&[u8]; 4] =
    [b"grub_kernel_cmdline ", b"kernel_cmdline: ", b"grub_cmd: ", b"grub_cmd "];

/// Most command lines that are given: a boot loader that comes back from a kernel goes on to another.
const LINES_MAX: usize = 64;
/// The longest command line, in bytes, in UTF-16 where it is that: no kernel takes more than 4096
/// characters.
const LINE_BYTES_MAX: usize = 8192;
/// How a kernel's command line begins: by the path of the kernel, or the device that it is on. No
/// command of GRUB's does.
const PATHS: [char; 2] = ['/', '('];

/// The command lines that GRUB gave to kernels, in order; `None` if some text of PCR 8 is unproven, or
/// may be a command line and does not follow its command.
///
/// GRUB measures each command, and after a command that loads a kernel the kernel's command line. The
/// label that tells the two apart is covered by no digest. So a text counts as a kernel's command line
/// when the text before it is the command that loads a kernel with exactly these arguments.
pub(super) fn grub<'a>(register: &ExplainedRegister<'a>) -> Option<Vec<&'a str>> {
    let (mut lines, mut before) = (Vec::new(), "");
    for event in register.events() {
        let text = grub_text(&event)?;
        if loads(before, text) {
            if lines.len() == LINES_MAX || text.len() > LINE_BYTES_MAX {
                return None;
            }
            lines.push(text);
        } else if text.starts_with(PATHS) {
            return None;
        }
        before = text;
    }
    Some(lines)
}

/// The text that an event's digest covers: with its closing NUL, or without it and what follows.
fn grub_text<'a>(event: &ReplayedEvent<'a>) -> Option<&'a str> {
    let data = event.untrusted_data();
    let labelled = LABELS.iter().find_map(|label| data.strip_prefix(*label))?;
    let end = labelled.iter().position(|byte| *byte == 0).unwrap_or(labelled.len());
    let (text, rest) = labelled.split_at_checked(end)?;
    let covered =
        event.covers(text) || rest.first() == Some(&0) && covers_nul(event, labelled, end);
    if covered { std::str::from_utf8(text).ok() } else { None }
}

fn covers_nul(event: &ReplayedEvent<'_>, labelled: &[u8], end: usize) -> bool {
    labelled.get(..end.saturating_add(1)).is_some_and(|with_nul| event.covers(with_nul))
}

/// Whether `command` loads a kernel and gives it `line`, which GRUB writes with quotes where needed.
fn loads(command: &str, line: &str) -> bool {
    let Some((loader, arguments)) = command.split_once(' ') else { return false };
    loader.starts_with("linux") && arguments.chars().eq(unquoted(line))
}

/// The characters of a text without GRUB's quoting of arguments.
fn unquoted(line: &str) -> impl Iterator<Item = char> {
    let mut characters = line.chars();
    std::iter::from_fn(move || {
        loop {
            match characters.next()? {
                '\\' => return characters.next(),
                '"' => {}
                other => return Some(other),
            }
        }
    })
}

/// The command lines that systemd-boot or systemd-stub gave to kernels, in order; `None` if PCR 12 was
/// extended by anything else than UTF-16 text that its digest covers, as long as a kernel takes it.
pub(super) fn systemd(register: &ExplainedRegister<'_>) -> Option<Vec<String>> {
    let events = register.events();
    if events.len() > LINES_MAX {
        return None;
    }
    events.map(|event| systemd_text(event.data()?)).collect()
}

fn systemd_text(data: &[u8]) -> Option<String> {
    let is_short = data.len() <= LINE_BYTES_MAX;
    let text = is_short.then(|| utf16(data)).flatten()?;
    let text = text.strip_suffix('\0')?;
    let printable = !text.is_empty() && !text.chars().any(char::is_control);
    printable.then(|| text.to_owned())
}
