//! Tagged events as policies see them.

use avouch_bootlog::Register;
use avouch_bootlog::windows::{Measured, TagId};
use avouch_mint::bootlog::windows::{flag, tag, tagged, trust_boundary};
use avouch_mint::bootlog::{BootLog, WindowsBoot, windows};
use serde_json::{Value, json};

use super::{bank, bare, insert};
use crate::support::{judged, minted, parse};

/// The `ProcessedData` of all events of a register that have one, in order.
fn processed(log: &BootLog, register: u8) -> Vec<Value> {
    let (bytes, registers) = minted(log);
    let log = parse(&bytes);
    let judged = judged(&log, &registers);
    let bank = bank(&judged);
    let measured = Measured::read(bank).unwrap();
    let events = bank.explained(Register::Pcr(register)).unwrap().events();
    let texts = events.filter_map(|event| measured.processed_data(&event));
    texts.map(|text| serde_json::from_str(text.get()).unwrap()).collect()
}

/// What one container of tags becomes.
fn container(tags: &[Vec<u8>]) -> Value {
    let mut log = windows(&WindowsBoot::default()).unwrap();
    insert(&mut log, trust_boundary(12, tags));
    let mut last = processed(&log, 12).pop().unwrap();
    last["EVENT_TRUSTBOUNDARY"].take()
}

#[test]
fn settings_are_booleans_integers_texts_and_named_values() {
    let text: Vec<u8> = "\\Windows\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let value = container(&[
        flag(tag::BOOTDEBUGGING, false),
        flag(tag::VBS_VSM_REQUIRED, true),
        tagged(tag::APPLICATION_SVN, &7_u32.to_le_bytes()),
        tagged(TagId::EVENTCOUNTER.0, &u64::MAX.to_le_bytes()),
        tagged(tag::BITLOCKER_UNLOCK, &1_u32.to_le_bytes()),
        tagged(tag::DATAEXECUTIONPREVENTION, &3_u64.to_le_bytes()),
        tagged(tag::VBS_HVCI_POLICY, &1_u64.to_le_bytes()),
        tagged(tag::DRIVER_LOAD_POLICY, &1_u32.to_le_bytes()),
        tagged(TagId::SYSTEMROOT.0, &text),
        tagged(tag::BOOT_REVOCATION_LIST, &[1, 2, 3]),
        tagged(0x0005_0fff, &[0xff]),
    ]);
    assert_eq!(
        value,
        json!({
            "EVENT_BOOTDEBUGGING": false,
            "EVENT_VBS_VSM_REQUIRED": true,
            "EVENT_APPLICATION_SVN": 7,
            "EVENT_EVENTCOUNTER": "18446744073709551615",
            "EVENT_BITLOCKER_UNLOCK": { "String": "CACHED", "Value": 1 },
            "EVENT_DATAEXECUTIONPREVENTION": { "String": "AlwaysOn", "Value": 3 },
            "EVENT_VBS_HVCI_POLICY": {
                "String": "HypervisorEnforcedCodeIntegrityEnable",
                "Value": 1,
            },
            "EVENT_DRIVER_LOAD_POLICY": { "String": "1", "Value": 1 },
            "EVENT_SYSTEMROOT": "\\Windows",
            "EVENT_BOOT_REVOCATION_LIST": { "RawData": "AQID" },
            "EVENT_0x00050FFF": { "RawData": "_w" },
        })
    );
}

#[test]
fn bitlocker_names_all_its_bits() {
    for (bits, name) in [(0_u32, "NONE"), (5, "CACHED|TPM"), (0x1040, "RECOVERY|0x1000")] {
        let value = container(&[tagged(tag::BITLOCKER_UNLOCK, &bits.to_le_bytes())]);
        assert_eq!(value["EVENT_BITLOCKER_UNLOCK"], json!({ "String": name, "Value": bits }));
    }
}

#[test]
fn what_there_may_be_several_of_is_a_list_also_if_there_is_one() {
    let module = tagged(tag::LOADEDMODULE_AGGREGATION, &flag(tag::IMAGEVALIDATED, true));
    let policy = |byte| tagged(TagId::SI_POLICY.0, &[byte]);
    let one = container(std::slice::from_ref(&module));
    assert_eq!(one["EVENT_LOADEDMODULE_AGGREGATION"], json!([{ "EVENT_IMAGEVALIDATED": true }]));
    let two = container(&[policy(1), module, policy(2)]);
    assert_eq!(two["EVENT_SI_POLICY"], json!([{ "RawData": "AQ" }, { "RawData": "Ag" }]));
    let unknown = || tagged(0x0005_0fff, &[]);
    let repeated = container(&[unknown(), unknown(), unknown()]);
    assert_eq!(repeated["EVENT_0x00050FFF"].as_array().unwrap().len(), 3);
}

#[test]
fn tags_outside_of_a_container_stand_directly_under_the_event() {
    let mut log = windows(&WindowsBoot::default()).unwrap();
    let module = tagged(tag::LOADEDMODULE_AGGREGATION, &tagged(tag::MODULE_SVN, &[9, 0, 0, 0]));
    insert(&mut log, bare(12, &module));
    let last = processed(&log, 12).pop().unwrap();
    assert_eq!(last, json!({ "EVENT_LOADEDMODULE_AGGREGATION": [{ "EVENT_MODULE_SVN": 9 }] }));
}

#[test]
fn tags_behind_the_separator_and_in_other_registers_are_not_shown() {
    let genuine = windows(&WindowsBoot::default()).unwrap();
    let mut longer = genuine.clone();
    for register in 11..15 {
        longer.push(trust_boundary(register, &[flag(tag::VBS_VSM_REQUIRED, true)]));
    }
    for register in 11..15 {
        assert_eq!(processed(&genuine, register), processed(&longer, register), "{register}");
    }
    assert_eq!(processed(&longer, 11), [] as [Value; 0]);
}
