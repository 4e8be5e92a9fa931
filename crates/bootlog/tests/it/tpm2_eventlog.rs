//! Registers that logs lead to, beside `tpm2_eventlog` of tpm2-tools 5.4, where it is installed.
//!
//! It differs in three known points: it starts PCR 0 at the locality 0 whatever the log says, extends
//! registers by events that extend nothing, and refuses some real logs or stops. What differs otherwise
//! fails, and so does a log of the list below that it reads after all.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use avouch_bootlog::replay::values;
use avouch_bootlog::tcg::{Log, LogError};
use avouch_bootlog::{EventType, HashAlgorithm, Register};
use avouch_mint::bootlog::{Bank, Ground, LogForm};

use crate::support::{TPM, algorithm, digest, expected, read, vectors};

/// Recorded logs that the tool does not read.
const UNREAD: [&str; 5] = [
    // A part of the firmware without base and length.
    "eventlogs/guardoss-binary_bios_measurements_27.bin",
    // Events of the index 0xFFFFFFFF, which extend nothing.
    "windows/guardoss-IMN-SUPERMICRO-EPP-MSDefender/eventlog.bin",
    "windows/guardoss-r340/eventlog.bin",
    // It stops by a signal.
    "windows/guardoss-tpm12_windows_lenovo_x1carbonv3.bin",
    "windows/guardoss-windows_event_log.bin",
];

fn is_installed() -> bool {
    let found = Command::new("tpm2_eventlog").arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: no tpm2_eventlog");
    }
    found
}

/// What the tool says of a log; `None` if it does not read it.
fn of_the_tool(path: &Path) -> Option<BTreeSet<(HashAlgorithm, u8, String)>> {
    let output = Command::new("tpm2_eventlog").arg(path).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, registers) = text.split_once("\npcrs:").filter(|_| output.status.success())?;
    let (mut found, mut bank) = (BTreeSet::new(), None);
    for line in registers.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        match (value.trim().strip_prefix("0x"), bank) {
            (Some(hex), Some(bank)) => {
                let value = digest(bank, hex).to_string();
                found.insert((bank, name.trim().parse().unwrap(), value));
            }
            _ => bank = Some(algorithm(name)),
        }
    }
    Some(found)
}

/// What we say, without the registers that the tool is known to be wrong about.
fn ours(log: &Log<'_>) -> (BTreeSet<(HashAlgorithm, u8, String)>, BTreeSet<u8>) {
    let no_action = log.events().skip(1);
    let no_action = no_action.filter(|event| event.untrusted_type() == EventType::NO_ACTION);
    let left_out = no_action.filter_map(|event| match event.untrusted_register() {
        Some(Register::Pcr(index)) => Some(index),
        _ => None,
    });
    let left_out: BTreeSet<u8> = left_out.collect();
    let replayed = values(log);
    let banks = replayed.algorithms().flat_map(|bank| replayed.bank(bank));
    let found = banks.filter_map(|(register, value)| match register {
        Register::Pcr(index) => Some((value.algorithm(), index, value.to_string())),
        _ => None,
    });
    (found.filter(|(_, index, _)| !left_out.contains(index)).collect(), left_out)
}

/// Compares, and tells whether the tool read the log.
fn compare(name: &str, path: &Path, bytes: &[u8]) -> Result<bool, LogError> {
    let (ours, left_out) = ours(&Log::parse(bytes, TPM)?);
    let Some(theirs) = of_the_tool(path) else { return Ok(false) };
    let theirs = theirs.into_iter().filter(|(_, index, _)| !left_out.contains(index)).collect();
    assert_eq!(ours, theirs, "{name}");
    Ok(true)
}

#[test]
fn recorded_logs_lead_to_the_registers_that_tpm2_eventlog_says() {
    let (Some(folder), true) = (vectors("tpm"), is_installed()) else { return };
    let mut read_by_the_tool = 0;
    for (name, case) in expected() {
        if !name.ends_with(".bin") || case.get("parse_error").is_some() {
            continue;
        }
        let is_read = compare(&name, &folder.join(&name), &read(&name)).unwrap();
        assert_eq!(is_read, !UNREAD.contains(&name.as_str()), "{name}");
        read_by_the_tool += usize::from(is_read);
    }
    assert!(read_by_the_tool >= 60, "only {read_by_the_tool}");
}

#[test]
fn minted_logs_lead_to_the_registers_that_tpm2_eventlog_says() {
    if !is_installed() {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (number, form) in [
        LogForm::CryptoAgile(vec![Bank::Sha256]),
        LogForm::CryptoAgile(vec![Bank::Sha384, Bank::Sha256, Bank::Sha1]),
        LogForm::CryptoAgile(Bank::ALL.to_vec()),
        LogForm::Sha1,
    ]
    .into_iter()
    .enumerate()
    {
        let mut log = Ground::Linux.log().unwrap();
        log.form = form;
        let bytes = log.to_bytes().unwrap();
        let path = folder.join(format!("tpm2-eventlog-{number}.bin"));
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(compare("minted", &path, &bytes), Ok(true), "{:?}", log.form);
    }
}
