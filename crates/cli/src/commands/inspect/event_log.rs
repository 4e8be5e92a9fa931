//! Measured-boot logs: of TPMs (TCG) and of trust domains (CCEL).

use avouch_bootlog::facts::{BootFacts, TdFacts};
use avouch_bootlog::json::{Banks, BootReport};
use avouch_bootlog::replay::{self, Judged};
use avouch_bootlog::tcg::{Form, Log};
use avouch_bootlog::timeline::{Step, timeline};
use avouch_bootlog::{HashAlgorithm, Register, RegisterMap, RegisterValues, ccel};

use super::input::Input;
use super::recogniser::Inspection;
use super::tree::{Fields, Tree};

/// What all that is shown of a log rests on.
const PROOF: &str = "none: a log says what it says. The values in `pcrs` are what it replays to; only a \
                     quote with these values shows that its events happened, and only of registers that \
                     the quote has";

pub(super) fn log(input: &Input) -> Result<Inspection, String> {
    let bytes = &ccel::binary(&input.bytes).map_err(|error| error.to_string())?;
    let of_domain = ccel::parse(bytes).map_err(|error| error.to_string());
    match of_domain {
        Ok(log) if !extends_pcr_0(bytes) => Ok(of_a_domain(&log)),
        domain => {
            let log = Log::parse(bytes, RegisterMap::Tpm).map_err(|error| match domain {
                // A header that names a domain's first register tells which of the two it is.
                Err(why) if bytes.starts_with(&[1, 0, 0, 0]) => why,
                _ => error.to_string(),
            })?;
            if !has_header(&log) {
                could_be_firmwares(&log)?;
            }
            Ok(of_a_tpm(&log))
        }
    }
}

/// Whether an event extends index 0: `PCR` 0 of a TPM, which its firmware begins with, and nothing of a
/// domain.
fn extends_pcr_0(bytes: &[u8]) -> bool {
    Log::parse(bytes, RegisterMap::Tpm)
        .is_ok_and(|log| log.extending(Register::Pcr(0)).next().is_some())
}

const fn has_header(log: &Log<'_>) -> bool {
    matches!(log.form(), Form::CryptoAgile(_))
}

/// Zeros, and much else, have the form of a log without a header: its events must be such as firmware
/// writes.
fn could_be_firmwares(log: &Log<'_>) -> Result<(), String> {
    for event in log.events() {
        if event.untrusted_type().name().is_none() {
            return Err("its events have types that no firmware writes".to_owned());
        }
        let is_zero = |(_, digest): (HashAlgorithm, &[u8])| digest.iter().all(|byte| *byte == 0);
        if event.extends().is_some() && event.digests().iter().any(is_zero) {
            return Err("its events extend registers by zeros, which no firmware does".to_owned());
        }
    }
    Ok(())
}

fn of_a_domain(log: &Log<'_>) -> Inspection {
    let values = replay::values(log);
    let judged = replay::judge(log, &values);
    let facts = TdFacts::read(&judged);
    let title = format!("event log of a trust domain (CCEL), {} events", log.events().len());
    let images = facts.boot_chain.iter().flatten().map(|image| {
        Fields::new()
            .with("digest", image.digest.to_string())
            .with("untrusted_path", image.untrusted_path())
    });
    let keys = facts.keys.as_ref().map(|keys| {
        Fields::new()
            .with("pk", keys.pk.len())
            .with("kek", keys.kek.len())
            .with("db", keys.db.len())
            .with("dbx", keys.dbx.len())
    });
    let fields = common(log, &values, facts.secure_boot.enforced())
        .with("secure_boot_reason", facts.secure_boot.reason().map(|reason| Tree::of(&reason)))
        .with("secure_boot_rests_on", "RTMR 0: variables before the first separator")
        .with("secure_boot_entries", keys.map(Tree::from))
        .with("images", images.collect::<Vec<_>>())
        .with("findings", texts(&facts.findings))
        .with("timeline", steps(log, HashAlgorithm::Sha384));
    Inspection::new("ccel", title, fields)
}

fn of_a_tpm(log: &Log<'_>) -> Inspection {
    let values = replay::values(log);
    let judged = replay::judge(log, &values);
    let facts = facts_of(&judged);
    let bank = facts.bank.unwrap_or(HashAlgorithm::Sha1);
    let form = match log.form() {
        Form::Sha1 => "one SHA-1 digest per event".to_owned(),
        Form::CryptoAgile(_) => texts(log.algorithms()).join(", "),
    };
    let title = format!("event log of a TPM (TCG), {form}, {} events", log.events().len());
    let mut report = Tree::of(&BootReport::from(&facts)).into_fields();
    report.0.retain(|(name, _)| name != "secure_boot");
    let fields = common(log, &values, facts.secure_boot.enforced())
        .with("secure_boot_rests_on", format!("PCR 7, bank {bank}"))
        .and(report)
        .with("timeline", steps(log, bank));
    Inspection::new("tcg-event-log", title, fields)
}

/// The facts of the bank that they may rest on; if the log has none, of the first there is.
fn facts_of<'a>(judged: &Judged<'a>) -> BootFacts<'a> {
    match (judged.strong_bank(), judged.banks().first()) {
        (None, Some(weak)) => BootFacts::read_in(weak),
        _ => BootFacts::read(judged),
    }
}

fn common(log: &Log<'_>, values: &RegisterValues, secure_boot: Option<bool>) -> Fields {
    Fields::new()
        .with("proof", PROOF)
        .with("events", log.events().len())
        .with("algorithms", texts(log.algorithms()))
        .with("pcrs", Tree::of(&Banks(values)))
        .with("secure_boot", secure_boot.map(Tree::from))
}

fn texts(list: &[impl ToString]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// One line an event: who measured what into which register, and what of it no digest covers.
fn steps(log: &Log<'_>, algorithm: HashAlgorithm) -> Vec<String> {
    timeline(log, algorithm).map(|step| line(&step)).collect()
}

fn line(step: &Step<'_>) -> String {
    let register = step.register.map_or_else(|| "-".to_owned(), |register| register.to_string());
    let unproven = step.unproven().map(|why| format!("  [{why}]")).unwrap_or_default();
    format!("{register:6}  {:18}  {}{unproven}", step.by, step.what)
}
