//! What the tests share: where recorded logs lie, and the values that quotes proved.

use std::collections::BTreeSet;
use std::path::PathBuf;

use avouch_bootlog::facts::BootFacts;
use avouch_bootlog::json::Events;
use avouch_bootlog::replay::{Judged, Verdict, judge};
use avouch_bootlog::tcg::Log;
use avouch_bootlog::{Digest, HashAlgorithm, Register, RegisterMap, RegisterValues};
use avouch_mint::bootlog::{BootLog, Registers};
use serde_json::Value;

pub(crate) const TPM: RegisterMap = RegisterMap::Tpm;

/// The folder of recorded evidence, unless it is absent and need not be there.
pub(crate) fn vectors(kind: &str) -> Option<PathBuf> {
    let root = std::env::var_os("AVOUCH_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors")),
        PathBuf::from,
    );
    let folder = root.join(kind);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("AVOUCH_VECTORS_REQUIRED").is_none(),
        "recorded evidence is required and absent"
    );
    eprintln!("skipped: no recorded evidence (set AVOUCH_VECTORS)");
    None
}

pub(crate) fn read(path: &str) -> Vec<u8> {
    let folder = vectors("tpm").expect("recorded evidence");
    std::fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// `expected.json` of the recorded logs.
pub(crate) fn expected() -> serde_json::Map<String, Value> {
    let value: Value = serde_json::from_slice(&read("expected.json")).unwrap();
    value.as_object().unwrap().clone()
}

pub(crate) fn algorithm(name: &str) -> HashAlgorithm {
    HashAlgorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name).expect(name)
}

pub(crate) fn digest(algorithm: HashAlgorithm, hex: &str) -> Digest {
    Digest::new(algorithm, &avouch_wire::decode_hex(hex).unwrap()).expect("a digest of that length")
}

/// Values as `{"sha256": {"0": "…"}}`.
pub(crate) fn values_of_json(banks: &Value) -> RegisterValues {
    let banks = banks.as_object().unwrap().iter();
    let values = banks.flat_map(|(bank, values)| {
        let algorithm = algorithm(bank);
        values.as_object().unwrap().iter().map(move |(index, hex)| {
            let register = Register::Pcr(index.parse().unwrap());
            (register, digest(algorithm, hex.as_str().unwrap()))
        })
    });
    values.collect()
}

/// Values as tpm2-tools prints them: a line for each bank, then `index: 0x…` for each register.
pub(crate) fn values_of_yaml(text: &str) -> RegisterValues {
    let (mut values, mut bank) = (RegisterValues::new(), None);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap();
        let Some(hex) = value.trim().strip_prefix("0x") else {
            bank = Some(algorithm(name));
            continue;
        };
        let register = Register::Pcr(name.trim().parse().unwrap());
        values.insert(register, digest(bank.unwrap(), hex));
    }
    values
}

/// The values that the quote beside a recorded log proved, or that its machine published.
pub(crate) fn published(folder: &str) -> RegisterValues {
    let path = vectors("tpm").unwrap().join(folder);
    if path.join("pcrs.yaml").exists() {
        let text = String::from_utf8(read(&format!("{folder}/pcrs.yaml"))).unwrap();
        return values_of_yaml(&text);
    }
    values_of_json(&serde_json::from_slice(&read(&format!("{folder}/pcrs.json"))).unwrap())
}

pub(crate) fn parse(bytes: &[u8]) -> Log<'_> {
    Log::parse(bytes, RegisterMap::Tpm).unwrap()
}

/// A recorded log with the values that its machine published.
pub(crate) struct Machine {
    log: Vec<u8>,
    pub(crate) values: RegisterValues,
}

impl Machine {
    pub(crate) fn recorded(folder: &str) -> Self {
        Self { log: read(&format!("{folder}/eventlog.bin")), values: published(folder) }
    }

    pub(crate) fn judged(&self) -> Judged<'_> {
        judge(&parse(&self.log), &self.values)
    }

    pub(crate) fn facts(&self) -> BootFacts<'_> {
        BootFacts::read(&self.judged())
    }

    pub(crate) fn verdict(&self, bank: HashAlgorithm, pcr: u8) -> Verdict {
        self.judged().bank(bank).unwrap().verdict(Register::Pcr(pcr)).unwrap().clone()
    }

    /// The PCRs of a bank that the log does not explain though something extended them.
    pub(crate) fn unexplained(&self, bank: HashAlgorithm) -> Vec<u8> {
        let judged = self.judged();
        let verdicts = judged.bank(bank).unwrap().verdicts();
        let unexplained = verdicts.filter(|(_, verdict)| {
            matches!(verdict, Verdict::Unexplained { .. } | Verdict::BankMissing { .. })
        });
        unexplained
            .map(|(register, _)| match register {
                Register::Pcr(index) => index,
                other => panic!("{other}"),
            })
            .collect()
    }
}

/// A minted log, and the registers of its machine.
pub(crate) fn minted(log: &BootLog) -> (Vec<u8>, Registers) {
    (log.to_bytes().unwrap(), log.registers())
}

/// What a quote over these registers proves.
pub(crate) fn proven(registers: &Registers) -> RegisterValues {
    let values = registers.iter().map(|(bank, index, value)| {
        let algorithm = HashAlgorithm::from_tpm_id(bank.tpm_id()).unwrap();
        (TPM.register(index).unwrap(), Digest::new(algorithm, value).unwrap())
    });
    values.collect()
}

/// A log judged by what a quote over these registers proves.
pub(crate) fn judged<'a>(log: &Log<'a>, registers: &Registers) -> Judged<'a> {
    judge(log, &proven(registers))
}

/// Everything that a log proves, one text for each thing that can be true.
pub(crate) fn truths(judged: &Judged<'_>) -> BTreeSet<String> {
    let facts = BootFacts::read(judged);
    let mut truths = BTreeSet::new();
    if facts.secure_boot.enforced().is_some() {
        truths.insert(format!("secure boot: {:?}", facts.secure_boot));
    }
    truths.extend(facts.keys.iter().map(|keys| format!("keys: {keys:?}")));
    truths.extend(
        facts
            .authorities
            .iter()
            .map(|by| format!("authority: {:?} {} {:?}", by.source, by.after_separator, by.entry)),
    );
    if facts.secure_boot.enforced().is_some() {
        truths.insert(format!("shim: {:?}", facts.shim));
    }
    truths.extend(facts.boot_chain.iter().map(|chain| {
        let proven = chain.iter().map(|image| (image.digest, image.after_separator));
        format!("loaders: {:?}", proven.collect::<Vec<_>>())
    }));
    truths.extend(facts.grub_command_lines.iter().map(|lines| format!("grub: {lines:?}")));
    truths.extend(facts.systemd_command_lines.iter().map(|lines| format!("systemd: {lines:?}")));
    let tables = facts.partition_tables.iter().flatten();
    truths.extend(tables.map(|table| format!("disk: {table:?}")));
    let events = judged.strong_bank().and_then(|bank| Events::of(bank, &facts, |_| None).ok());
    if let Some(events) = events {
        let value: Value = serde_json::from_str(&events.to_json()).unwrap();
        let proven = value["Events"].as_array().unwrap().iter();
        let proven = proven.filter(|event| event["ProcessedData"].get("UntrustedName").is_none());
        truths.extend(proven.map(|event| {
            let mut event = event.clone();
            event.as_object_mut().unwrap().remove("EventSeq");
            format!("event: {event}")
        }));
    }
    truths
}
