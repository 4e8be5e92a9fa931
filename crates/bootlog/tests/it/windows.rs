//! What Windows measures: recorded boots, recorded attacks, minted boots and tags cut by hand.

mod attacks;
mod chain;
mod json;
mod linear;
mod minted;
mod page;
mod policies;
mod properties;
mod recorded;
mod tags;

use avouch_bootlog::replay::{Judged, JudgedBank};
use avouch_bootlog::windows::{
    Chain, Measured, Session, WindowsAuthorities, WindowsError, WindowsFacts,
};
use avouch_bootlog::{HashAlgorithm, Register};
use avouch_mint::bootlog::{BootLog, LogEvent, Registers, event_type, windows_ca};
use avouch_pki::digest::sha256;

use crate::support::{judged, minted, parse};

/// The bank that facts rest on; SHA-1's where the log has no other.
fn bank<'j, 'a>(judged: &'j Judged<'a>) -> &'j JudgedBank<'a> {
    judged.strong_bank().unwrap_or_else(|| judged.bank(HashAlgorithm::Sha1).unwrap())
}

/// The CA that the mint signs its Windows by.
fn minted_ca() -> WindowsAuthorities {
    WindowsAuthorities::new([sha256(&windows_ca().unwrap())])
}

/// The facts of one log.
fn facts<'a>(session: Session<'a>) -> WindowsFacts<'a> {
    WindowsFacts::of(&Chain::new(vec![session]).unwrap())
}

/// Looks at what a log proves on a machine with these registers.
fn over<T>(
    bytes: &[u8],
    registers: &Registers,
    look: impl FnOnce(Result<Session<'_>, WindowsError>) -> T,
) -> T {
    let log = parse(bytes);
    let judged = judged(&log, registers);
    look(Session::read(bank(&judged), &minted_ca()))
}

/// Looks at what a minted log proves on the machine that it came from.
fn read<T>(log: &BootLog, look: impl FnOnce(Result<Session<'_>, WindowsError>) -> T) -> T {
    let (bytes, registers) = minted(log);
    over(&bytes, &registers, look)
}

/// Looks at the facts of a minted log that is believed.
fn believed<T>(log: &BootLog, look: impl FnOnce(WindowsFacts<'_>) -> T) -> T {
    read(log, |session| look(facts(session.unwrap())))
}

/// Puts an event before the separators of Windows.
fn insert(log: &mut BootLog, event: LogEvent) {
    let taken_over = |event: &LogEvent| event.register == 12 && event.data == b"WBCL";
    let at = log.events.iter().position(taken_over).unwrap();
    log.push(event);
    let last = log.events.pop().unwrap();
    log.events.insert(at, last);
}

/// An event of tags that stand in no container.
fn bare(register: u32, tags: &[u8]) -> LogEvent {
    LogEvent::new(register, event_type::EVENT_TAG, tags)
}

/// How many tags of this number were measured, in containers and outside.
fn count(measured: &Measured<'_>, register: u8, id: avouch_bootlog::windows::TagId) -> usize {
    fn within(tag: &avouch_bootlog::windows::Tag<'_>, id: avouch_bootlog::windows::TagId) -> usize {
        let members = tag.members().map(|member| within(&member, id)).sum::<usize>();
        usize::from(tag.id == id) + members
    }
    let events = measured.events().filter(|of| of.register() == Register::Pcr(register));
    events.flat_map(|event| event.tags()).map(|tag| within(&tag, id)).sum()
}
