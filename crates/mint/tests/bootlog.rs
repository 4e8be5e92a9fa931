//! Minted logs replay to the registers that the mint computed apart from any reader, and every way to
//! break one is noticed by what it names.
#![cfg(test)]

use std::collections::BTreeSet;

use avouch_bootlog::replay::{self, Judged, Verdict};
use avouch_bootlog::tcg::Log;
use avouch_bootlog::{Digest, HashAlgorithm, Register, RegisterMap, RegisterValues, ccel};
use avouch_mint::bootlog::{
    Bank, BootLog, Ground, LinuxBoot, Loader, LogForm, Notices, Registers, SecureBoot, TdBoot,
    WindowsBoot, breaks, broken, linux, resume_chain, td, windows,
};
use avouch_wire::FailedCheck as _;

const GROUNDS: [Ground; 7] = [
    Ground::Linux,
    Ground::LinuxOff,
    Ground::LinuxInsecure,
    Ground::Windows,
    Ground::TrustDomain,
    Ground::TrustDomainOff,
    Ground::TrustDomainInsecure,
];

fn map(ground: Ground) -> RegisterMap {
    match ground {
        Ground::TrustDomain | Ground::TrustDomainOff | Ground::TrustDomainInsecure => {
            RegisterMap::Tdx
        }
        _ => RegisterMap::Tpm,
    }
}

/// What a quote over these registers proves.
fn proven(registers: &Registers, map: RegisterMap) -> RegisterValues {
    let values = registers.iter().map(|(bank, index, value)| {
        let algorithm = HashAlgorithm::from_tpm_id(bank.tpm_id()).unwrap();
        (map.register(index).unwrap(), Digest::new(algorithm, value).unwrap())
    });
    values.collect()
}

fn judged<'a>(log: &Log<'a>, registers: &Registers, map: RegisterMap) -> Judged<'a> {
    replay::judge(log, &proven(registers, map))
}

/// The registers that the log does not explain, in any bank, with the verdict's name.
fn unexplained(log: &BootLog, map: RegisterMap) -> Vec<(HashAlgorithm, Register, &'static str)> {
    let bytes = log.to_bytes().unwrap();
    let parsed = Log::parse(&bytes, map).unwrap();
    let judged = judged(&parsed, &log.registers(), map);
    let verdicts = judged.banks().iter().flat_map(|bank| {
        bank.verdicts().map(|(register, verdict)| (bank.algorithm(), register, verdict.clone()))
    });
    verdicts
        .filter(|(_, _, verdict)| {
            !matches!(verdict, Verdict::Explained { .. } | Verdict::NotLogged { .. })
        })
        .map(|(algorithm, register, verdict)| (algorithm, register, verdict.name()))
        .collect()
}

#[test]
fn every_register_of_every_boot_is_explained_in_every_bank() {
    for ground in GROUNDS {
        assert_eq!(unexplained(&ground.log().unwrap(), map(ground)), [], "{ground:?}");
    }
    let forms = [
        LogForm::Sha1,
        LogForm::CryptoAgile(vec![Bank::Sha384, Bank::Sha256, Bank::Sha1]),
        LogForm::CryptoAgile(Bank::ALL.to_vec()),
    ];
    for form in forms {
        for (locality, loader) in [(0, Loader::Grub), (3, Loader::UnifiedKernel)] {
            let form = form.clone();
            let boot = LinuxBoot { form, locality, loader, ..LinuxBoot::default() };
            assert_eq!(unexplained(&linux(&boot).unwrap(), RegisterMap::Tpm), [], "{boot:?}");
        }
        let boot = WindowsBoot { form: form.clone(), ..WindowsBoot::default() };
        assert_eq!(unexplained(&windows(&boot).unwrap(), RegisterMap::Tpm), [], "{form:?}");
    }
    for command_line in [None, Some("ro".to_owned())] {
        let runtime = vec![("app-id".to_owned(), vec![1, 2, 3])];
        let secure_boot = SecureBoot::NoKeys;
        let boot = TdBoot { command_line, runtime, secure_boot, ..TdBoot::default() };
        let log = td(&boot).unwrap();
        assert_eq!(unexplained(&log, RegisterMap::Tdx), [], "{boot:?}");
        assert_ne!(log.registers().rtmrs()[3], [0; 48]);
    }
}

#[test]
fn what_windows_writes_in_one_bank_alone_is_missing_in_the_others() {
    let boot = WindowsBoot { only_sha256: true, ..WindowsBoot::default() };
    let seen = unexplained(&windows(&boot).unwrap(), RegisterMap::Tpm);
    let missing = [11, 12, 13, 14];
    assert_eq!(
        seen,
        missing.map(|pcr| (HashAlgorithm::Sha1, Register::Pcr(pcr), "bank-missing")).to_vec()
    );
}

#[test]
fn each_log_of_a_resume_chain_explains_its_own_registers_and_no_other_ones() {
    let logs = resume_chain(&WindowsBoot::default(), 2).unwrap();
    let differing = |one: &BootLog, other: &BootLog| {
        let (one, other) = (one.registers(), other.registers());
        let all =
            (0..24).filter(|pcr| one.get(Bank::Sha256, *pcr) != other.get(Bank::Sha256, *pcr));
        all.collect::<Vec<u32>>()
    };
    for log in &logs {
        assert_eq!(unexplained(log, RegisterMap::Tpm), []);
    }
    assert_eq!(differing(&logs[0], &logs[2]), [12, 13, 14]);
    assert_eq!(differing(&logs[1], &logs[2]), [12]);
}

#[test]
fn a_log_is_the_same_each_time_it_is_minted() {
    for ground in GROUNDS {
        let bytes = || ground.log().unwrap().to_bytes().unwrap();
        assert_eq!(bytes(), bytes(), "{ground:?}");
    }
}

/// What is wrong with how a break was noticed.
fn surprise(name: &str) -> Option<String> {
    let broken = broken(name).unwrap().unwrap();
    let map = map(broken.named.ground);
    let parsed = match map {
        RegisterMap::Tdx => ccel::parse(&broken.log).map_err(|error| error.check()),
        RegisterMap::Tpm => Log::parse(&broken.log, map).map_err(|error| error.check()),
    };
    let parsed = match (parsed, broken.named.notices) {
        (Err(seen), Notices::Refused(check)) => {
            return (seen != check).then(|| format!("{name}: {seen}, not {check}"));
        }
        (Err(seen), _) => return Some(format!("{name}: {seen}")),
        (Ok(_), Notices::Refused(check)) => return Some(format!("{name}: no {check}")),
        (Ok(parsed), _) => parsed,
    };
    let judged = judged(&parsed, &broken.registers, map);
    let bad = judged.strong_bank().unwrap().verdicts().filter(|(_, verdict)| {
        !matches!(verdict, Verdict::Explained { .. } | Verdict::NotLogged { .. })
    });
    let bad: Vec<Register> = bad.map(|(register, _)| register).collect();
    match broken.named.notices {
        Notices::Unexplained(index) => {
            (bad != [map.register(index).unwrap()]).then(|| format!("{name}: {bad:?}"))
        }
        // Every register is explained: only who reads the events can notice.
        _ => (!bad.is_empty()).then(|| format!("{name}: {bad:?}")),
    }
}

#[test]
fn each_broken_log_is_refused_unexplained_or_replays_as_its_break_says() {
    let surprises: Vec<_> = breaks().filter_map(|one| surprise(one.name)).collect();
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}

#[test]
fn each_break_has_a_name_of_its_own_and_an_unknown_name_is_none() {
    let names: BTreeSet<_> = breaks().map(|one| one.name).collect();
    assert_eq!(names.len(), breaks().count());
    for one in breaks() {
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(one.name.chars().all(kebab), "{}", one.name);
        assert!(!one.what.is_empty() && !one.what.ends_with('.'), "{}", one.name);
    }
    assert!(broken("no-such-break").unwrap().is_none());
}
