//! Whatever is changed in a log without changing what digests cover, nothing good of Windows becomes
//! true by it; nor does anything that is extended after Windows took over.

use std::collections::BTreeSet;

use avouch_bootlog::tcg::Log;
use avouch_bootlog::windows::{Session, WindowsFacts};
use avouch_mint::bootlog::windows::{flag, tag, tagged};
use avouch_mint::bootlog::{BootLog, LogEvent, Registers, Vbs, WindowsBoot, event_type, windows};
use proptest::prelude::*;
use proptest::sample::Index;

use super::{bank, facts, minted_ca};
use crate::support::{TPM, judged, minted};

/// Everything that speaks for the system.
fn truths(facts: &WindowsFacts<'_>) -> BTreeSet<&'static str> {
    [
        ("no boot debugging", facts.boot_debugging == Some(false)),
        ("no kernel debugging", facts.kernel_debugging == Some(false)),
        ("no hypervisor debugging", facts.hypervisor_debugging == Some(false)),
        ("no test signing", facts.test_signing == Some(false)),
        ("no flight signing", facts.flight_signing == Some(false)),
        ("no safe mode", facts.safe_mode == Some(false)),
        ("no WinPE", facts.win_pe == Some(false)),
        ("code integrity", facts.code_integrity == Some(true)),
        ("BitLocker", facts.bitlocker_unlock.is_some_and(|flags| flags != 0)),
        ("ELAM", facts.elam == Some(true)),
        ("hypervisor", facts.hypervisor_launched == Some(true)),
        ("VSM", facts.vsm_launched == Some(true)),
        ("VBS", facts.vbs == Some(true)),
        ("VSM required", facts.vsm_required == Some(true)),
        ("secure boot required", facts.secure_boot_required == Some(true)),
        ("IOMMU", facts.iommu_required == Some(true)),
        ("mandatory", facts.mandatory_enforcement == Some(true)),
        ("HVCI", facts.hvci == Some(true)),
        ("identity key", facts.identity_signing_key.is_ok()),
        ("modules validated", facts.modules_validated == Some(true)),
        ("nothing unsigned", facts.unsigned == Some(false)),
        ("boot", facts.complete),
    ]
    .into_iter()
    .filter_map(|(name, holds)| holds.then_some(name))
    .collect()
}

/// What a log proves on a machine with these registers; nothing if it is refused.
fn proven(bytes: &[u8], registers: &Registers) -> BTreeSet<&'static str> {
    let Ok(log) = Log::parse(bytes, TPM) else { return BTreeSet::new() };
    let judged = judged(&log, registers);
    if judged.strong_bank().is_none() {
        return BTreeSet::new();
    }
    let session = Session::read(bank(&judged), &minted_ca());
    session.map(|session| truths(&facts(session))).unwrap_or_default()
}

/// Boots of which each has something that speaks against it.
fn boot() -> impl Strategy<Value = WindowsBoot> {
    let vbs = prop_oneof![
        Just(None),
        any::<[bool; 4]>().prop_map(|[vsm_required, mandatory, iommu_required, hvci]| {
            Some(Vbs { vsm_required, mandatory, iommu_required, hvci })
        }),
    ];
    (any::<[bool; 8]>(), vbs, 0_u64..2).prop_map(|(bits, vbs, resumes)| WindowsBoot {
        boot_debugging: bits[0],
        kernel_debugging: bits[1],
        hypervisor_debugging: bits[2],
        code_integrity: bits[3],
        test_signing: bits[4],
        flight_signing: bits[5],
        safe_mode: bits[6],
        win_pe: bits[7],
        vbs,
        resumes,
        ..WindowsBoot::default()
    })
}

/// Tags that would make everything look well.
fn tags() -> impl Strategy<Value = Vec<u8>> {
    let strong = [
        flag(tag::TESTSIGNING, false),
        flag(tag::BOOTDEBUGGING, false),
        flag(tag::OSKERNELDEBUG, false),
        flag(tag::CODEINTEGRITY, true),
        flag(tag::VBS_VSM_REQUIRED, true),
        flag(tag::VBS_IOMMU_REQUIRED, true),
        tagged(tag::VSM_LAUNCH_TYPE, &1_u64.to_le_bytes()),
        tagged(tag::VBS_HVCI_POLICY, &1_u64.to_le_bytes()),
        tagged(tag::TRANSFER_CONTROL, &1_u32.to_le_bytes()),
        tagged(
            0x0005_0023,
            &[&[1, 0, 0, 0, 0, 8, 0, 0, 3, 0, 0, 0, 0, 1, 0, 0, 1, 0, 1][..], &[7; 256]].concat(),
        ),
    ];
    proptest::sample::subsequence(strong.to_vec(), 1..=strong.len())
        .prop_map(|tags| tagged(tag::TRUSTBOUNDARY, &tags.concat()))
}

/// A change by somebody who can write the log and not the registers.
#[derive(Debug, Clone)]
enum Change {
    Retype(Index, u32),
    Tags(Index, Vec<u8>),
    SetBit(Index, Index),
    Clear(Index, u32),
    DataOf(Index, Index),
    Duplicate(Index, Index),
    Move(Index, Index),
    Remove(Index),
    Register(Index, u32),
    Insert(Index, u32, u32, Vec<u8>),
}

const TYPES: &[u32] = &[
    event_type::NO_ACTION,
    event_type::SEPARATOR,
    event_type::EVENT_TAG,
    event_type::COMPACT_HASH,
    event_type::IPL,
];

/// Numbers of tags to be edited away.
const CLEARED: &[u32] = &[tag::TESTSIGNING, tag::BOOTDEBUGGING, tag::OSKERNELDEBUG, tag::WINPE];

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let kind = || proptest::sample::select(TYPES);
    prop_oneof![
        3 => (at(), kind()).prop_map(|(at, kind)| Change::Retype(at, kind)),
        2 => (at(), tags()).prop_map(|(at, tags)| Change::Tags(at, tags)),
        1 => (at(), at()).prop_map(|(at, bit)| Change::SetBit(at, bit)),
        2 => (at(), proptest::sample::select(CLEARED)).prop_map(|(at, id)| Change::Clear(at, id)),
        1 => (at(), at()).prop_map(|(at, from)| Change::DataOf(at, from)),
        1 => (at(), at()).prop_map(|(at, to)| Change::Duplicate(at, to)),
        2 => (at(), at()).prop_map(|(at, to)| Change::Move(at, to)),
        1 => at().prop_map(Change::Remove),
        1 => (at(), 11_u32..15).prop_map(|(at, register)| Change::Register(at, register)),
        2 => (at(), 11_u32..15, kind(), tags())
            .prop_map(|(at, register, kind, tags)| Change::Insert(at, register, kind, tags)),
    ]
}

/// The places of events in the registers that Windows measures into.
fn of_windows(log: &BootLog) -> Vec<usize> {
    let in_place = |at: &usize| (11..15).contains(&log.events[*at].register);
    (0..log.events.len()).filter(in_place).collect()
}

impl Change {
    fn apply(self, log: &mut BootLog) {
        let places = of_windows(log);
        if places.is_empty() {
            return;
        }
        let place = |index: Index| places[index.index(places.len())];
        match self {
            Self::Retype(at, kind) => log.events[place(at)].event_type = kind,
            Self::Tags(at, tags) => log.events[place(at)].edit_data(|data| *data = tags),
            Self::SetBit(at, bit) => log.events[place(at)].edit_data(|data| {
                if !data.is_empty() {
                    let bit = bit.index(data.len() * 8);
                    data[bit / 8] ^= 1 << (bit % 8);
                }
            }),
            Self::Clear(at, id) => {
                let (on, off) = (flag(id, true), flag(id, false));
                log.events[place(at)].edit_data(|data| {
                    let found = data.windows(on.len()).position(|part| part == on);
                    if let Some(found) = found {
                        data.splice(found..found + on.len(), off);
                    }
                });
            }
            Self::DataOf(at, from) => {
                let other = log.events[place(from)].data.clone();
                log.events[place(at)].edit_data(|data| *data = other);
            }
            Self::Duplicate(at, to) => {
                let event = log.events[place(at)].clone();
                log.events.insert(place(to), event);
            }
            Self::Move(at, to) => {
                let event = log.events.remove(place(at));
                let to = place(to).min(log.events.len());
                log.events.insert(to, event);
            }
            Self::Remove(at) => drop(log.events.remove(place(at))),
            Self::Register(at, register) => log.events[place(at)].register = register,
            Self::Insert(at, register, kind, tags) => {
                log.events.insert(place(at), LogEvent::new(register, kind, tags));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(300),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_change_of_a_log_alone_makes_anything_good_true(
        boot in boot(),
        changes in proptest::collection::vec(change(), 1..5),
    ) {
        let genuine = windows(&boot).unwrap();
        let (bytes, registers) = minted(&genuine);
        let before = proven(&bytes, &registers);
        let mut changed = genuine;
        changes.into_iter().for_each(|change| change.apply(&mut changed));
        let after = proven(&changed.to_bytes().unwrap(), &registers);
        prop_assert!(after.is_subset(&before), "{after:?} is more than {before:?}");
    }

    #[test]
    fn nothing_extended_after_the_separators_makes_anything_good_true(
        boot in boot(),
        later in proptest::collection::vec((11_u32..15, tags()), 1..5),
        kind in proptest::sample::select(TYPES),
    ) {
        let genuine = windows(&boot).unwrap();
        let (bytes, registers) = minted(&genuine);
        let before = proven(&bytes, &registers);
        let mut extended = genuine;
        for (register, tags) in later {
            extended.push(LogEvent::new(register, kind, tags));
        }
        let (bytes, registers) = minted(&extended);
        let after = proven(&bytes, &registers);
        prop_assert!(after.is_subset(&before), "{after:?} is more than {before:?}");
    }
}

#[test]
fn the_property_has_something_to_lose() {
    let (bytes, registers) = minted(&windows(&WindowsBoot::default()).unwrap());
    assert!(proven(&bytes, &registers).len() >= 19);
}
