//! Whatever is changed in a log without changing what digests cover, no fact becomes true by it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use avouch_bootlog::facts::BootFacts;
use avouch_bootlog::json::Events;
use avouch_bootlog::tcg::Log;
use avouch_mint::bootlog::{
    Bank, BootLog, Ground, LinuxBoot, Loader, LogEvent, Measured, Registers, event_type, linux,
    uefi,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::support::{TPM, judged, minted, truths};

/// A change of a log by somebody who cannot change registers.
#[derive(Debug, Clone)]
enum Change {
    Retype(Index, u32),
    ReverseDigests(Index),
    DropBank(Index, Index),
    ReplaceData(Index, Vec<u8>),
    FlipBit(Index, Index),
    DataOf(Index, Index),
    Duplicate(Index, Index),
    Move(Index, Index),
    Remove(Index),
    Register(Index, u32),
    Insert(Index, Vec<u8>, u32),
    Locality(u8),
}

const TYPES: &[u32] = &[
    event_type::UNUSED,
    event_type::NO_ACTION,
    event_type::SEPARATOR,
    event_type::ACTION,
    event_type::EVENT_TAG,
    event_type::COMPACT_HASH,
    event_type::IPL,
    event_type::EFI_VARIABLE_DRIVER_CONFIG,
    event_type::EFI_VARIABLE_BOOT,
    event_type::EFI_BOOT_SERVICES_APPLICATION,
    event_type::EFI_GPT_EVENT,
    event_type::EFI_ACTION,
    event_type::EFI_PLATFORM_FIRMWARE_BLOB,
    event_type::EFI_VARIABLE_AUTHORITY,
];

fn data() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(uefi::variable(uefi::GLOBAL, "SecureBoot", &[1])),
        Just(uefi::variable(uefi::GLOBAL, "SecureBoot", &[0])),
        Just(uefi::variable(uefi::SHIM, "MokSBState", &[0])),
        Just(b"kernel_cmdline: /boot/vmlinuz quiet\0".to_vec()),
        Just(b"grub_cmd: linux /boot/vmlinuz quiet\0".to_vec()),
        Just(vec![0; 4]),
        Just(b"WBCL".to_vec()),
        Just(b"StartupLocality\0\x03".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..64),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    let kind = || proptest::sample::select(TYPES);
    prop_oneof![
        4 => (at(), kind()).prop_map(|(at, kind)| Change::Retype(at, kind)),
        1 => at().prop_map(Change::ReverseDigests),
        1 => (at(), at()).prop_map(|(at, bank)| Change::DropBank(at, bank)),
        2 => (at(), data()).prop_map(|(at, data)| Change::ReplaceData(at, data)),
        2 => (at(), at()).prop_map(|(at, bit)| Change::FlipBit(at, bit)),
        1 => (at(), at()).prop_map(|(at, from)| Change::DataOf(at, from)),
        1 => (at(), at()).prop_map(|(at, to)| Change::Duplicate(at, to)),
        2 => (at(), at()).prop_map(|(at, to)| Change::Move(at, to)),
        1 => at().prop_map(Change::Remove),
        1 => (at(), 0_u32..24).prop_map(|(at, register)| Change::Register(at, register)),
        1 => (at(), data(), kind()).prop_map(|(at, data, kind)| Change::Insert(at, data, kind)),
        1 => (0_u8..5).prop_map(Change::Locality),
    ]
}

impl Change {
    fn apply(self, log: &mut BootLog) {
        let count = log.events.len();
        if count == 0 {
            return;
        }
        match self {
            Self::Retype(at, kind) => log.events[at.index(count)].event_type = kind,
            Self::ReverseDigests(at) => {
                let mut banks = banks(log, at.index(count));
                banks.reverse();
                log.events[at.index(count)].banks = Some(banks);
            }
            Self::DropBank(at, bank) => {
                let mut banks = banks(log, at.index(count));
                if banks.len() > 1 {
                    banks.remove(bank.index(banks.len()));
                }
                log.events[at.index(count)].banks = Some(banks);
            }
            Self::ReplaceData(at, data) => {
                log.events[at.index(count)].edit_data(|old| *old = data);
            }
            Self::FlipBit(at, bit) => log.events[at.index(count)].edit_data(|data| {
                if !data.is_empty() {
                    let bit = bit.index(data.len() * 8);
                    data[bit / 8] ^= 1 << (bit % 8);
                }
            }),
            Self::DataOf(at, from) => {
                let data = log.events[from.index(count)].data.clone();
                log.events[at.index(count)].edit_data(|old| *old = data);
            }
            Self::Duplicate(at, to) => {
                let event = log.events[at.index(count)].clone();
                log.events.insert(to.index(count), event);
            }
            Self::Move(at, to) => {
                let event = log.events.remove(at.index(count));
                log.events.insert(to.index(count), event);
            }
            Self::Remove(at) => drop(log.events.remove(at.index(count))),
            Self::Register(at, register) => log.events[at.index(count)].register = register,
            Self::Insert(at, data, kind) => {
                log.events.insert(at.index(count), LogEvent::new(7, kind, data));
            }
            Self::Locality(locality) => {
                log.events.insert(0, LogEvent::startup_locality(locality));
            }
        }
    }
}

fn banks(log: &BootLog, at: usize) -> Vec<Bank> {
    log.events[at].banks.clone().unwrap_or_else(|| log.form.banks().to_vec())
}

/// Boots, and what attackers extend after them.
fn grounds() -> Vec<BootLog> {
    let mut grounds: Vec<BootLog> =
        [Ground::Linux, Ground::LinuxOff, Ground::LinuxInsecure, Ground::Windows]
            .map(|ground| ground.log().unwrap())
            .into();
    let unified = LinuxBoot { loader: Loader::UnifiedKernel, ..LinuxBoot::default() };
    grounds.push(linux(&unified).unwrap());
    let mut appended = Ground::LinuxOff.log().unwrap();
    let on = Ground::Linux.log().unwrap();
    appended.events.extend(on.events.into_iter().filter(|event| event.register == 7));
    grounds.push(appended);
    let mut value_only = Ground::LinuxOff.log().unwrap();
    let secure_boot = LogEvent::driver_config(uefi::GLOBAL, "SecureBoot", &[1]);
    value_only.push(LogEvent { measured: Measured::Bytes(vec![1]), ..secure_boot });
    value_only.push(LogEvent::kernel_command_line("/boot/vmlinuz quiet"));
    grounds.push(value_only);
    grounds
}

/// A boot, what a quote over its registers proves, and what its own log makes of that.
struct Machine {
    genuine: BootLog,
    registers: Registers,
    proven: BTreeSet<String>,
}

static MACHINES: LazyLock<Vec<Machine>> = LazyLock::new(|| {
    let machine = |genuine: BootLog| {
        let (bytes, registers) = minted(&genuine);
        let log = Log::parse(&bytes, TPM).unwrap();
        let proven = truths(&judged(&log, &registers));
        assert!(!proven.is_empty());
        Machine { genuine, registers, proven }
    };
    grounds().into_iter().map(machine).collect()
});

/// As many cases as the environment asks for, and 2,000 at least.
fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig { cases: asked.cases.max(2000), failure_persistence: None, ..asked }
}

/// Machines on which secure boot is not enforced, one for each reason.
fn off() -> [BootLog; 3] {
    let mut without_variables = Ground::Linux.log().unwrap();
    without_variables.events.retain(|event| event.register != 7);
    without_variables.push(LogEvent::separator(7));
    let [off, insecure] =
        [Ground::LinuxOff, Ground::LinuxInsecure].map(|ground| ground.log().unwrap());
    [off, insecure, without_variables]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_change_of_what_digests_do_not_cover_makes_a_fact_true(
        ground in any::<Index>(),
        changes in proptest::collection::vec(change(), 1..8),
    ) {
        let Machine { genuine, registers, proven } = &MACHINES[ground.index(MACHINES.len())];
        let mut changed = genuine.clone();
        changes.into_iter().for_each(|change| change.apply(&mut changed));
        let bytes = changed.to_bytes().unwrap();
        if let Ok(log) = Log::parse(&bytes, TPM) {
            let judged = judged(&log, registers);
            for truth in truths(&judged) {
                prop_assert!(proven.contains(&truth), "not proven before: {truth}");
            }
            let facts = BootFacts::read(&judged);
            prop_assert!(facts.boot_chain.is_none() || facts.bank.is_some());
        }
    }

    /// Root extends registers by what it likes, logs that, and changes the log where no digest sees it.
    #[test]
    fn nothing_that_root_extends_after_the_boot_makes_secure_boot_on(
        ground in any::<Index>(),
        more in proptest::collection::vec((0_u32..24, data(), proptest::sample::select(TYPES)), 1..6),
        changes in proptest::collection::vec(change(), 0..4),
    ) {
        let grounds = off();
        let mut log = grounds[ground.index(grounds.len())].clone();
        for (register, data, kind) in more {
            log.push(LogEvent::new(register, kind, data));
        }
        let (_, registers) = minted(&log);
        changes.into_iter().for_each(|change| change.apply(&mut log));
        let bytes = log.to_bytes().unwrap();
        if let Ok(log) = Log::parse(&bytes, TPM) {
            let judged = judged(&log, &registers);
            let facts = BootFacts::read(&judged);
            prop_assert_ne!(facts.secure_boot.enforced(), Some(true));
            let bank = judged.strong_bank();
            let events = bank.and_then(|bank| Events::of(bank, &facts, |_| None).ok());
            let json = events.map(|events| events.to_json()).unwrap_or_default();
            let on = r#""UnicodeName":"SecureBoot","VariableData":"AQ""#;
            prop_assert!(!json.contains(on), "{json}");
        }
    }
}
