//! Windows' tagged events: no panic, and no log proves anything good of a machine that the machine's
//! own does not. The first byte says whether the rest is a log or the tags of one event.
#![no_main]

use std::sync::LazyLock;

use avouch_bootlog::replay::judge;
use avouch_bootlog::tcg::Log;
use avouch_bootlog::windows::{Chain, Session, Tag, Tags, WindowsAuthorities, WindowsFacts};
use avouch_bootlog::{Digest, HashAlgorithm, RegisterMap, RegisterValues};
use avouch_mint::bootlog::{BootLog, LogEvent, Vbs, WindowsBoot, event_type, windows, windows_ca};
use avouch_pki::digest::sha256;
use libfuzzer_sys::fuzz_target;

/// A machine with nothing to be said for it.
struct Weak {
    log: BootLog,
    proven: RegisterValues,
    windows: WindowsAuthorities,
}

static WEAK: LazyLock<Weak> = LazyLock::new(|| {
    let none = Vbs { vsm_required: false, mandatory: false, iommu_required: false, hvci: false };
    let boot = WindowsBoot {
        test_signing: true,
        kernel_debugging: true,
        boot_debugging: true,
        code_integrity: false,
        vbs: Some(none),
        ..WindowsBoot::default()
    };
    let log = windows(&boot).unwrap();
    let windows = WindowsAuthorities::new([sha256(&windows_ca().unwrap())]);
    Weak { proven: proven(&log), log, windows }
});

fn proven(log: &BootLog) -> RegisterValues {
    let registers = log.registers();
    let values = registers.iter().map(|(bank, index, value)| {
        let algorithm = HashAlgorithm::from_tpm_id(bank.tpm_id()).unwrap();
        (RegisterMap::Tpm.register(index).unwrap(), Digest::new(algorithm, value).unwrap())
    });
    values.collect()
}

/// How many bytes the tags hold.
fn held(tags: Tags<'_>) -> usize {
    tags.map(|tag| tag.bytes().map_or(0, <[u8]>::len) + held(tag.members())).sum()
}

fuzz_target!(init: { LazyLock::force(&WEAK); }, |data: &[u8]| {
    let Some((form, rest)) = data.split_first() else { return };
    if form % 2 == 0 {
        weak_stays_weak(rest, &WEAK.proven);
        return;
    }
    if let Ok(tags) = Tag::parse_all(rest) {
        assert!(held(tags) <= rest.len());
    }
    // Extended behind the separators, whatever it is.
    let mut log = WEAK.log.clone();
    log.push(LogEvent::new(12, event_type::EVENT_TAG, rest));
    log.push(LogEvent::new(13, event_type::EVENT_TAG, rest));
    weak_stays_weak(&log.to_bytes().unwrap(), &proven(&log));
});

/// Whatever log is shown for the machine, what speaks against it stays, and nothing else is proven.
fn weak_stays_weak(log: &[u8], proven: &RegisterValues) {
    let Ok(log) = Log::parse(log, RegisterMap::Tpm) else { return };
    let judged = judge(&log, proven);
    let Some(bank) = judged.strong_bank() else { return };
    let Ok(session) = Session::read(bank, &WEAK.windows) else { return };
    let facts = WindowsFacts::of(&Chain::new(vec![session]).unwrap());
    assert_eq!(facts.test_signing, Some(true));
    assert_eq!(facts.kernel_debugging, Some(true));
    assert_eq!(facts.boot_debugging, Some(true));
    assert_eq!(facts.code_integrity, Some(false));
    assert_ne!(facts.vbs, Some(true));
    assert_ne!(facts.hvci, Some(true));
    assert_ne!(facts.iommu_required, Some(true));
    assert!(facts.identity_signing_key.is_err());
}
