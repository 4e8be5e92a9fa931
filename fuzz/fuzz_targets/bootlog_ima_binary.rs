//! Lists of IMA in binary: no panic, no byte of an entry twice, and by a machine's registers
//! none proves what the machine's own does not.
//!
//! An input is a list, or behind a zero byte a few edits to a minted one: three bytes each (place, in
//! two bytes; a byte that stands there then).
#![no_main]

use std::sync::LazyLock;

use avouch_bootlog::ima::{Appraisal, FileKeys, List, References, Sha1, claimed_value, prove};
use avouch_bootlog::{Algorithm, Digest, Register, RegisterValues};
use avouch_mint::ima::{Ground, breaks};
use avouch_wire::FailedCheck as _;
use libfuzzer_sys::fuzz_target;

struct Known {
    binary: Vec<u8>,
    proven: RegisterValues,
    references: References,
    keys: FileKeys,
}

/// A machine on which a file ran that is neither signed nor listed.
static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let row = breaks().iter().find(|row| row.name == "shown-as-bytes").unwrap();
    let mut ground: Ground = row.broken().unwrap().ground;
    ground.list.entries.last_mut().unwrap().template = "ima-sig".to_owned();
    let proven = ground.registers.iter().map(|(bank, index, value)| {
        let algorithm = Algorithm::from_tpm_id(bank.tpm_id()).unwrap();
        let register = Register::Pcr(u8::try_from(index).unwrap());
        (register, Digest::new(algorithm, value).unwrap())
    });
    Known {
        binary: ground.list.binary(),
        proven: proven.collect(),
        references: References::local(ground.references.as_bytes()).unwrap(),
        keys: FileKeys::parse(ground.key.pem().as_bytes()).unwrap(),
    }
});

/// The list that an input stands for.
fn binary(data: &[u8]) -> Vec<u8> {
    let Some((0, edits)) = data.split_first() else { return data.to_vec() };
    let mut bytes = KNOWN.binary.clone();
    for edit in edits.chunks_exact(3).take(16) {
        let place = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % bytes.len();
        bytes[place] = edit[2];
    }
    bytes
}

fuzz_target!(init: { LazyLock::force(&KNOWN); }, |data: &[u8]| {
    let bytes = binary(data);
    let list = match List::read(&bytes) {
        Ok(list) => list,
        Err(error) => {
            assert!(!error.check().is_empty() && !error.to_string().is_empty());
            return;
        }
    };
    assert!(!list.is_empty());
    let held: usize = list.entries().map(|entry| entry.untrusted_data().len()).sum();
    assert!(list.is_compressed() || held <= bytes.len());
    // By what it leads to, all of it is proven.
    if let Some(value) = claimed_value(&list, Algorithm::Sha256) {
        let own = [(Register::Pcr(10), value)].into_iter().collect();
        let entries = prove(&list, &own, Sha1::Refused).unwrap();
        let appraisal = Appraisal::of(&entries, &own, &KNOWN.references, &KNOWN.keys);
        let facts = appraisal.facts();
        let judged = facts.files + facts.buffers + facts.violations + facts.unreadable;
        assert!(judged <= facts.proven && facts.proven <= facts.entries);
        assert!(!facts.only_signed, "no register of firmware was quoted");
    }
    // By the machine's registers, it is not in order.
    if let Ok(entries) = prove(&list, &KNOWN.proven, Sha1::Refused) {
        let appraisal = Appraisal::of(&entries, &KNOWN.proven, &KNOWN.references, &KNOWN.keys);
        assert!(!appraisal.facts().only_signed && !appraisal.facts().only_listed);
    }
});
