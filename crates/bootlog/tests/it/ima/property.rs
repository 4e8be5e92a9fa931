//! Whatever is changed in a list without changing what extended PCR 10, nothing that was not proven
//! becomes true.

use avouch_bootlog::ima::{Appraisal, Facts, List, Requirement, Sha1, prove};
use avouch_mint::bootlog::Bank;
use avouch_mint::ima::device_mapper::DmDevice;
use avouch_mint::ima::{Ground, ImaEntry, breaks, ground};
use proptest::prelude::*;

use super::{keys, quoted, references};

const TEMPLATES: [&str; 8] =
    ["ima", "ima-ng", "ima-ngv2", "ima-sig", "ima-sigv2", "ima-buf", "ima-modsig", "evm-sig"];

/// A change to the list that leaves the quote as it is.
#[derive(Debug, Clone)]
enum Change {
    Retype { entry: usize, template: usize },
    Hash { entry: usize, other: usize },
    ToViolation { entry: usize },
    FromViolation { entry: usize },
    Register { entry: usize, pcr: u32 },
    Move { from: usize, to: usize },
    Twice { entry: usize, to: usize },
    Remove { entry: usize },
    Data { entry: usize, at: usize, byte: u8 },
    Append { good: bool },
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let place = 0_usize..16;
    let one = prop_oneof![
        4 => (place.clone(), 0..TEMPLATES.len())
            .prop_map(|(entry, template)| Change::Retype { entry, template }),
        2 => (place.clone(), place.clone()).prop_map(|(entry, other)| Change::Hash { entry, other }),
        1 => place.clone().prop_map(|entry| Change::ToViolation { entry }),
        2 => place.clone().prop_map(|entry| Change::FromViolation { entry }),
        1 => (place.clone(), 0_u32..24).prop_map(|(entry, pcr)| Change::Register { entry, pcr }),
        1 => (place.clone(), place.clone()).prop_map(|(from, to)| Change::Move { from, to }),
        1 => (place.clone(), place.clone()).prop_map(|(entry, to)| Change::Twice { entry, to }),
        1 => place.clone().prop_map(|entry| Change::Remove { entry }),
        2 => (place.clone(), 0_usize..200, any::<u8>())
            .prop_map(|(entry, at, byte)| Change::Data { entry, at, byte }),
        1 => any::<bool>().prop_map(|good| Change::Append { good }),
    ];
    prop::collection::vec(one, 1..6)
}

fn apply(ground: &mut Ground, change: &Change) {
    let entries = &mut ground.list.entries;
    let count = entries.len();
    if count == 0 {
        return;
    }
    match *change {
        Change::Retype { entry, template } => {
            TEMPLATES[template].clone_into(&mut entries[entry % count].template);
        }
        Change::Hash { entry, other } => {
            let hash = Bank::Sha1.digest(&[&entries[other % count].hashed()]);
            entries[entry % count].logged_hash = Some(hash);
        }
        Change::ToViolation { entry } => entries[entry % count].violation = true,
        Change::FromViolation { entry } => entries[entry % count].violation = false,
        Change::Register { entry, pcr } => entries[entry % count].pcr = pcr,
        Change::Move { from, to } => {
            let moved = entries.remove(from % count);
            entries.insert(to % count, moved);
        }
        Change::Twice { entry, to } => {
            let copy = entries[entry % count].clone();
            entries.insert(to % count, copy);
        }
        Change::Remove { entry } => drop(entries.remove(entry % count)),
        Change::Data { entry, at, byte } => {
            let data = &mut entries[entry % count].data;
            let length = data.len().max(1);
            if let Some(slot) = data.get_mut(at % length) {
                *slot = byte;
            }
        }
        Change::Append { good } => {
            let content: &[u8] = if good { b"\x7fELF tool" } else { b"\x7fELF rootkit" };
            entries.push(ImaEntry::file("/usr/bin/tool", content));
        }
    }
}

/// Machines on which something is not in order, with volumes.
fn grounds() -> Vec<Ground> {
    let mut grounds: Vec<Ground> =
        breaks().iter().map(|row| row.broken().unwrap().ground).collect();
    grounds.push(ground().unwrap());
    let evil = DmDevice::verity("root", 2, &"ee".repeat(32));
    let good = DmDevice::verity("root", 2, &"11".repeat(32));
    let mut with_volumes = ground().unwrap();
    for event in [good.load(), good.resume(), evil.load(), evil.resume()] {
        with_volumes.run(event);
    }
    grounds.push(with_volumes);
    for ground in &mut grounds {
        ground.references.push_str(&format!("volume {}  root\n", "11".repeat(32)));
        // What a kernel extended by the entries as they were: the list is then changed.
        ground.quote();
    }
    grounds
}

/// What is proven of a machine; nothing if its list is refused.
fn proven(ground: &Ground, form: u8) -> Option<(Facts, [bool; 4])> {
    let bytes = if form == 0 { ground.list.binary() } else { ground.list.ascii() };
    let list = List::read(&bytes).ok()?;
    let values = quoted(&ground.registers);
    let entries = prove(&list, &values, Sha1::Refused).ok()?;
    let references = references(ground);
    let appraisal = Appraisal::of(&entries, &values, &references, &keys(ground));
    let met = [
        Requirement::OnlySigned,
        Requirement::OnlyListed,
        Requirement::OnlySignedOrListed,
        Requirement::ListedVolumes,
    ]
    .map(|requirement| appraisal.require(requirement, &references).is_ok());
    Some((appraisal.facts().clone(), met))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(600),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_change_that_the_register_does_not_see_turns_a_fact_true(
        number in any::<prop::sample::Index>(),
        changes in changes(),
        form in 0_u8..2,
    ) {
        let mut grounds = grounds();
        let mut unbroken = ground().unwrap();
        unbroken.quote();
        let mut ground = grounds.swap_remove(number.index(grounds.len()));
        // In binary: ascii has no form for an entry whose fields are not those of its template.
        let before = proven(&ground, 0);
        let (honest, honest_met) = match &before {
            Some((facts, met)) => (Some(facts), *met),
            None => (None, [false; 4]),
        };
        for change in &changes {
            apply(&mut ground, change);
        }
        let Some((facts, met)) = proven(&ground, form) else { return Ok(()) };
        for (now, then) in met.into_iter().zip(honest_met) {
            prop_assert!(then || !now, "{:?}", changes);
        }
        let Some(honest) = honest else {
            prop_assert!(!facts.only_signed && !facts.only_listed);
            return Ok(());
        };
        prop_assert!(honest.only_signed || !facts.only_signed);
        prop_assert!(honest.only_listed || !facts.only_listed);
        prop_assert!(honest.only_signed_or_listed || !facts.only_signed_or_listed);
        prop_assert!(honest.boot_aggregate.matches() || !facts.boot_aggregate.matches());
        prop_assert!(facts.violations >= honest.violations);
        // A change may undo what hid it.
        let measured = proven(&unbroken, 0).and_then(|(facts, _)| facts.kernel_version);
        prop_assert!(measured.is_some());
        let known = [None, honest.kernel_version.clone(), measured];
        prop_assert!(known.contains(&facts.kernel_version), "{:?}", facts.kernel_version);
        for volume in &facts.volumes.running {
            prop_assert!(honest.volumes.running.contains(volume), "{:?}", volume);
        }
    }
}
