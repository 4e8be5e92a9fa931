//! Twice the tags cost twice the instructions, and no more.

use avouch_bootlog::RegisterMap;
use avouch_bootlog::facts::BootFacts;
use avouch_bootlog::json::Events;
use avouch_bootlog::replay::{judge, values};
use avouch_bootlog::tcg::Log;
use avouch_bootlog::windows::{Chain, Session, Tag, WindowsAuthorities, WindowsFacts};
use avouch_linear::Shape;
use avouch_mint::bootlog::windows::{flag, tag, tagged, trust_boundary};
use avouch_mint::bootlog::{LogEvent, WindowsBoot, windows, windows_ca};
use avouch_pki::digest::sha256;

/// An event with as many tags as a log may have.
const BYTES: usize = 1 << 17;
/// A log of about as many events, and half of it about as many tags, as may be.
const LOG_BYTES: usize = 1 << 20;

const SHAPES: &[Shape] = &[
    Shape {
        name: "empty-tags",
        bytes_max: BYTES,
        make: |bytes| tags(bytes, &tagged(0x0007_0fff, &[])),
        read,
    },
    Shape { name: "modules", bytes_max: BYTES, make: |bytes| tags(bytes, &module()), read },
    Shape { name: "one-of-each-number", bytes_max: BYTES, make: numbers, read },
    Shape { name: "settings-in-events", bytes_max: LOG_BYTES / 2, make: settings, read: facts },
    Shape { name: "empty-events", bytes_max: LOG_BYTES, make: empty_events, read: facts },
    Shape { name: "modules-in-one-event", bytes_max: BYTES, make: modules, read: facts },
    Shape { name: "deep-containers", bytes_max: BYTES, make: |bytes| tags(bytes, &deep()), read },
];

/// Every tag, in every container.
fn read(bytes: &[u8]) {
    fn all(tag: &Tag<'_>) -> usize {
        tag.members().map(|member| all(&member)).sum::<usize>() + 1
    }
    let tags = Tag::parse_all(bytes).unwrap();
    assert!(tags.map(|tag| all(&tag)).sum::<usize>() > 0);
}

/// All facts and all events of a log of Windows.
fn facts(bytes: &[u8]) {
    let log = Log::parse(bytes, RegisterMap::Tpm).unwrap();
    let judged = judge(&log, &values(&log));
    let bank = judged.strong_bank().unwrap();
    let by = WindowsAuthorities::new([sha256(&windows_ca().unwrap())]);
    let session = Session::read(bank, &by).unwrap();
    let events = Events::of(bank, &BootFacts::read_in(bank), |event| {
        session.measured().processed_data(event)
    });
    drop(events.map(|events| events.to_json()));
    let facts = WindowsFacts::of(&Chain::new(vec![session]).unwrap());
    assert_eq!(facts.code_integrity, Some(true));
    assert!(facts.modules().unwrap().count() > 0 && facts.elam_drivers().count() > 0);
}

/// A boot of Windows that measured more, before it took over.
fn with(count: usize, more: &LogEvent) -> Vec<u8> {
    let mut log = windows(&WindowsBoot::default()).unwrap();
    let is_separator = |event: &LogEvent| event.register == 12 && event.data == b"WBCL";
    let at = log.events.iter().position(is_separator).unwrap();
    log.events.splice(at..at, vec![more.clone(); count]);
    log.to_bytes().unwrap()
}

fn settings(bytes: usize) -> Vec<u8> {
    with(bytes / 96, &trust_boundary(12, &[flag(tag::TESTSIGNING, false)]))
}

fn empty_events(bytes: usize) -> Vec<u8> {
    with(bytes / 84, &trust_boundary(13, &[]))
}

fn modules(bytes: usize) -> Vec<u8> {
    let modules = vec![module(); bytes / module().len()];
    with(1, &trust_boundary(13, &modules))
}

fn tags(bytes: usize, tag: &[u8]) -> Vec<u8> {
    tag.repeat(bytes / tag.len())
}

fn module() -> Vec<u8> {
    tagged(tag::LOADEDMODULE_AGGREGATION, &flag(tag::IMAGEVALIDATED, true))
}

fn deep() -> Vec<u8> {
    (0..8).fold(Vec::new(), |inner, _| tagged(tag::ELAM_AGGREGATION, &inner))
}

fn numbers(bytes: usize) -> Vec<u8> {
    (0..u32::try_from(bytes / 8).unwrap())
        .flat_map(|number| tagged(0x0010_0000 + number, &[]))
        .collect()
}

#[test]
fn twice_the_tags_cost_twice() {
    avouch_linear::check("windows::linear::twice_the_tags_cost_twice", SHAPES);
}
