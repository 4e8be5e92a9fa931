//! What a log proves together with the registers of a verified quote, without the log itself.

use std::collections::BTreeMap;

use avouch_pki::digest::sha256;
use avouch_wire::Hex;
use serde::Serialize;

use super::{CcelError, binary, parse};
use crate::facts::{Reason, TdFacts};
use crate::replay::{JudgedBank, Verdict, judge};
use crate::tcg::Log;
use crate::{Digest, HashAlgorithm, Register, RegisterValues, untrusted_command_line};

/// Most kernel command lines that are kept.
const COMMAND_LINES_MAX: usize = 16;
/// The longest that is kept, in bytes: no kernel takes a longer one.
const COMMAND_LINE_BYTES_MAX: usize = 4096;

/// What a log proves of a trust domain's boot. Only [`ProvenLog::prove`] makes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProvenLog {
    /// Each of the four registers, `rtmr0` to `rtmr3`.
    pub registers: BTreeMap<&'static str, ProvenRegister>,
    /// Whether only signed code ran; `None` if the log proves neither.
    pub secure_boot: Option<bool>,
    /// Why it is not enforced, or not proven to be.
    pub secure_boot_reason: Option<Reason>,
    /// The databases that the firmware verified by, where secure boot is proven to be on or off.
    pub secure_boot_keys: Option<ProvenKeys>,
    /// The entries by which images were let run, in order.
    pub authorities: Vec<ProvenAuthority>,
    /// Everything that the firmware and boot loaders may have started, in order; `None` if `RTMR` 1 is
    /// not explained.
    pub images: Option<Vec<ProvenImage>>,
    /// Texts that were measured in explained registers as kernel command lines. Not that a kernel was
    /// given one, nor that none is missing: files are measured beside them, under any name.
    pub untrusted_command_lines: Vec<String>,
    /// What is worth telling and decides nothing.
    pub findings: Vec<String>,
}

/// A register of a trust domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProvenRegister {
    /// The value that the quote proves.
    pub value: Hex<48>,
    /// `explained`, `unexplained`, or `not-logged`: nothing extended it.
    pub verdict: &'static str,
}

/// SHA-256 of each database, as it was measured: a list of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProvenKeys {
    /// Of `PK`.
    pub pk: Hex<32>,
    /// Of `KEK`.
    pub kek: Hex<32>,
    /// Of `db`.
    pub db: Hex<32>,
    /// Of `dbx`.
    pub dbx: Hex<32>,
}

/// An entry by which an image was let run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProvenAuthority {
    /// Where it is kept: `db`, `vendor_db`, `Shim` or `MokList`.
    pub source: &'static str,
    /// SHA-256 of the certificate, or of the digest of an image, without its owner.
    pub sha256: Hex<32>,
}

/// Something that may be an image that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ProvenImage {
    /// The digest that was measured: of a PE image, its SHA-384 Authenticode digest.
    pub digest: Hex<48>,
    /// The path in the log, which nothing proves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub untrusted_path: Option<String>,
}

impl ProvenLog {
    /// Reads a log, in binary or as dstack's JSON, and judges it by `RTMR` 0 to 3 of a quote that
    /// verified.
    ///
    /// A log without events of a register leaves that register unexplained. One with events that lead
    /// to another value than the quote's is of another boot, or was changed: it is refused.
    ///
    /// # Errors
    /// [`CcelError`].
    pub fn prove(log: &[u8], rtmrs: [&Hex<48>; 4]) -> Result<Self, CcelError> {
        let log = binary(log)?;
        let log = parse(&log)?;
        let proven: RegisterValues = (0_u8..)
            .zip(rtmrs)
            .filter_map(|(index, Hex(value))| {
                let value = Digest::new(HashAlgorithm::Sha384, value)?;
                Some((Register::Rtmr(index), value))
            })
            .collect();
        let judged = judge(&log, &proven);
        let bank = judged.bank(HashAlgorithm::Sha384);
        if let Some(bank) = bank {
            refuse_contradiction(&log, bank)?;
        }
        let names = ["rtmr0", "rtmr1", "rtmr2", "rtmr3"];
        let registers = (0_u8..).zip(names.into_iter().zip(rtmrs)).map(|(index, (name, value))| {
            let verdict = bank.and_then(|bank| bank.verdict(Register::Rtmr(index)));
            let verdict = verdict.map_or("unexplained", Verdict::name);
            (name, ProvenRegister { value: *value, verdict })
        });
        let facts = TdFacts::read(&judged);
        Ok(Self {
            registers: registers.collect(),
            secure_boot: facts.secure_boot.enforced(),
            secure_boot_reason: facts.secure_boot.reason(),
            secure_boot_keys: facts.keys.as_ref().map(|keys| ProvenKeys::of(keys.values)),
            authorities: authorities(&facts),
            images: images(&facts),
            untrusted_command_lines: command_lines(&log, bank),
            findings: facts.findings.iter().map(ToString::to_string).collect(),
        })
    }
}

/// No event of the log may contradict the quote.
fn refuse_contradiction(log: &Log<'_>, bank: &JudgedBank<'_>) -> Result<(), CcelError> {
    for (register, verdict) in bank.verdicts() {
        if let Verdict::Unexplained { proven, replayed } = verdict
            && log.extending(register).next().is_some()
        {
            let (replayed, proven) = (Box::new(*replayed), Box::new(*proven));
            return Err(CcelError::Replay { register, replayed, proven });
        }
    }
    Ok(())
}

impl ProvenKeys {
    fn of([pk, kek, db, dbx]: [&[u8]; 4]) -> Self {
        Self { pk: sha256(pk), kek: sha256(kek), db: sha256(db), dbx: sha256(dbx) }
    }
}

fn authorities(facts: &TdFacts<'_>) -> Vec<ProvenAuthority> {
    let all = facts.authorities.iter();
    all.map(|one| ProvenAuthority { source: one.source.name(), sha256: sha256(one.data) }).collect()
}

fn images(facts: &TdFacts<'_>) -> Option<Vec<ProvenImage>> {
    let image = |image: &crate::facts::BootImage<'_>| {
        let digest = Hex(image.digest.as_bytes().try_into().ok()?);
        Some(ProvenImage { digest, untrusted_path: image.untrusted_path() })
    };
    facts.boot_chain.as_ref().map(|chain| chain.iter().filter_map(image).collect())
}

fn command_lines(log: &Log<'_>, bank: Option<&JudgedBank<'_>>) -> Vec<String> {
    let explained = |register| bank.is_some_and(|bank| bank.explained(register).is_some());
    let events = log.events().filter(|event| event.extends().is_some_and(explained));
    let lines = events.filter_map(|event| untrusted_command_line(&event, HashAlgorithm::Sha384));
    let lines = lines.filter(|line| line.len() <= COMMAND_LINE_BYTES_MAX);
    lines.take(COMMAND_LINES_MAX).map(str::to_owned).collect()
}
