//! TCG event logs: no panic, and no log proves of a machine what the machine's own log does not.
#![no_main]

use std::sync::LazyLock;

use avouch_bootlog::facts::{BootFacts, SecureBoot};
use avouch_bootlog::json::{BootReport, Events, pcrs};
use avouch_bootlog::replay::{Verdict, judge, values};
use avouch_bootlog::tcg::Log;
use avouch_bootlog::{Digest, HashAlgorithm, Register, RegisterMap, RegisterValues};
use avouch_mint::bootlog::Ground;
use avouch_wire::FailedCheck as _;
use libfuzzer_sys::fuzz_target;

struct Known {
    secure_boot: SecureBoot,
    proven: RegisterValues,
}

/// Machines with secure boot on, off, and with a shim that verifies nothing.
static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let grounds = [Ground::Linux, Ground::LinuxOff, Ground::LinuxInsecure];
    let known = grounds.map(|ground| {
        let log = ground.log().unwrap();
        let registers = log.registers();
        let proven: RegisterValues = registers
            .iter()
            .map(|(bank, index, value)| {
                let algorithm = HashAlgorithm::from_tpm_id(bank.tpm_id()).unwrap();
                (RegisterMap::Tpm.register(index).unwrap(), Digest::new(algorithm, value).unwrap())
            })
            .collect();
        let bytes = log.to_bytes().unwrap();
        let log = Log::parse(&bytes, RegisterMap::Tpm).unwrap();
        Known { secure_boot: BootFacts::read(&judge(&log, &proven)).secure_boot, proven }
    });
    known.into()
});

fuzz_target!(init: { LazyLock::force(&KNOWN); }, |data: &[u8]| {
    let log = match Log::parse(data, RegisterMap::Tpm) {
        Ok(log) => log,
        Err(error) => {
            assert!(!error.check().is_empty() && !error.to_string().is_empty());
            return;
        }
    };
    let held: usize = log.events().map(|event| event.untrusted_data().len()).sum();
    assert!(held <= data.len());
    // By what it replays to, everything that is computed is explained.
    let own = values(&log);
    let judged = judge(&log, &own);
    for bank in judged.banks() {
        assert!(bank.verdicts().all(|(_, verdict)| matches!(verdict, Verdict::Explained { .. })));
        let facts = BootFacts::read_in(bank);
        assert!(serde_json::to_string(&BootReport::from(&facts)).is_ok());
        if let Ok(events) = Events::of(bank, &facts, |_| None) {
            let json = events.to_json();
            assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
        }
    }
    assert!(!pcrs(&own).is_empty());
    // By another machine's registers, it proves what that machine is.
    for known in KNOWN.iter() {
        let judged = judge(&log, &known.proven);
        let facts = BootFacts::read(&judged);
        if facts.secure_boot.enforced().is_some() {
            assert_eq!(facts.secure_boot, known.secure_boot);
            let bank = judged.strong_bank().unwrap();
            assert!(bank.explained(Register::Pcr(7)).is_some());
        }
    }
});
