//! Event logs of trust domains, in binary and as dstack's JSON: no panic, and no log proves of a domain what the domain's own does not.
#![no_main]

use std::sync::LazyLock;

use avouch_bootlog::ccel::{self, ProvenLog};
use avouch_bootlog::timeline::timeline;
use avouch_bootlog::{HashAlgorithm, Register, replay};
use avouch_mint::bootlog::Ground;
use avouch_wire::{FailedCheck as _, Hex};
use libfuzzer_sys::fuzz_target;

/// A domain's registers, and what its own log proves of secure boot.
struct Known {
    rtmrs: [Hex<48>; 4],
    secure_boot: Option<bool>,
}

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let grounds = [Ground::TrustDomain, Ground::TrustDomainOff, Ground::TrustDomainInsecure];
    let known = grounds.map(|ground| {
        let log = ground.log().unwrap();
        let rtmrs = log.registers().rtmrs().map(Hex);
        let secure_boot = prove(&log.to_bytes().unwrap(), &rtmrs).unwrap().secure_boot;
        Known { rtmrs, secure_boot }
    });
    known.into()
});

fn prove(log: &[u8], rtmrs: &[Hex<48>; 4]) -> Result<ProvenLog, ccel::CcelError> {
    ProvenLog::prove(log, rtmrs.each_ref())
}

fuzz_target!(init: { LazyLock::force(&KNOWN); }, |data: &[u8]| {
    let Ok(binary) = ccel::binary(data) else { return };
    assert!(binary.len() <= data.len() + 128, "JSON is no shorter");
    let log = match ccel::parse(&binary) {
        Ok(log) => log,
        Err(error) => {
            assert!(!error.check().is_empty() && !error.to_string().is_empty());
            return;
        }
    };
    // By what it replays to, all of it is explained.
    let values = replay::values(&log);
    let rtmrs = [0, 1, 2, 3].map(|index| {
        let value = values.get(HashAlgorithm::Sha384, Register::Rtmr(index));
        Hex(value.map_or([0; 48], |value| value.as_bytes().try_into().unwrap()))
    });
    let proven = prove(data, &rtmrs).unwrap();
    assert!(proven.registers.values().all(|register| register.verdict != "unexplained"));
    assert!(serde_json::to_string(&proven).is_ok());
    for step in timeline(&log, HashAlgorithm::Sha384) {
        assert!(!step.what.chars().any(char::is_control));
    }
    // By another domain's registers, it proves what that domain is, or nothing.
    for known in KNOWN.iter() {
        if let Ok(proven) = prove(data, &known.rtmrs) {
            assert!(proven.secure_boot.is_none() || proven.secure_boot == known.secure_boot);
        }
    }
});
