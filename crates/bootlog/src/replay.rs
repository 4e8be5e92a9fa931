//! Replay: which registers the log explains, and the events that they prove.
//!
//! A register's value is a hash over everything that extended it, in order. If the log's digests lead
//! to the value that a quote proved, then exactly these digests extended the register, in this order.
//! That proves neither the type of an event nor its data: [`ReplayedEvent::data`] gives the data only
//! if the digest covers them, and [`ReplayedEvent::untrusted_type`] says what it is.
//!
//! Order is proven within one register only.

mod event;
mod order;
mod verdict;

use std::collections::BTreeMap;

pub use event::{ExplainedRegister, ReplayedEvent, ReplayedEvents};
pub(crate) use order::in_log_order;
pub use verdict::Verdict;

use crate::tcg::Log;
use crate::{Digest, HashAlgorithm, Register, RegisterValues};

/// What all registers hold if exactly the log's events extended them: bank by bank, for registers
/// that an event with a digest in that bank extends.
///
/// This is what the log claims. Judging a log by these values makes everything in it explained, which
/// is right for showing a log and for nothing else.
#[must_use]
pub fn values(log: &Log<'_>) -> RegisterValues {
    let mut values = RegisterValues::new();
    for algorithm in log.algorithms() {
        for (register, chain) in chains(log, *algorithm) {
            if let Some(value) = chain.value.filter(|_| chain.extensions > 0) {
                values.insert(register, value);
            }
        }
    }
    values
}

/// Judges a log by the values that a verified quote proved, in every bank that it proved values of.
#[must_use]
pub fn judge<'a>(log: &Log<'a>, proven: &RegisterValues) -> Judged<'a> {
    let banks = proven.algorithms().map(|algorithm| JudgedBank::new(log, proven, algorithm));
    Judged { banks: banks.collect() }
}

/// A log judged by proven values.
#[derive(Debug, Clone)]
pub struct Judged<'a> {
    banks: Vec<JudgedBank<'a>>,
}

impl<'a> Judged<'a> {
    /// The banks that values were proved of.
    #[must_use]
    pub fn banks(&self) -> &[JudgedBank<'a>] {
        &self.banks
    }

    /// One bank.
    #[must_use]
    pub fn bank(&self, algorithm: HashAlgorithm) -> Option<&JudgedBank<'a>> {
        self.banks.iter().find(|bank| bank.algorithm == algorithm)
    }

    /// The bank that facts rest on: the first of [`HashAlgorithm::ALL`] that is strong, proven and
    /// announced by the log.
    ///
    /// It is chosen before it is judged: when it explains nothing, no other bank stands in for it.
    #[must_use]
    pub fn strong_bank(&self) -> Option<&JudgedBank<'a>> {
        HashAlgorithm::ALL
            .into_iter()
            .filter(|algorithm| algorithm.is_strong())
            .filter_map(|algorithm| self.bank(algorithm))
            .find(|bank| bank.announced)
    }
}

/// One bank of a log judged by proven values.
#[derive(Debug, Clone)]
pub struct JudgedBank<'a> {
    algorithm: HashAlgorithm,
    announced: bool,
    verdicts: BTreeMap<Register, Verdict>,
    explained: BTreeMap<Register, ExplainedRegister<'a>>,
}

impl<'a> JudgedBank<'a> {
    fn new(log: &Log<'a>, proven: &RegisterValues, algorithm: HashAlgorithm) -> Self {
        let announced = log.algorithms().contains(&algorithm);
        let chains = chains(log, algorithm);
        let mut verdicts = BTreeMap::new();
        let mut explained = BTreeMap::new();
        for (register, value) in proven.bank(algorithm) {
            let chain = chains.get(&register);
            let verdict = Verdict::of(register, *value, chain);
            if let (Verdict::Explained { .. }, Some(chain)) = (&verdict, chain) {
                explained.insert(register, Vec::with_capacity(chain.extensions));
            }
            verdicts.insert(register, verdict);
        }
        Self {
            algorithm,
            announced,
            verdicts,
            explained: event::explained(log, algorithm, explained),
        }
    }

    /// Algorithm of the bank.
    #[must_use]
    pub const fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// The verdict on a register; `None` if no value of it was proved.
    #[must_use]
    pub fn verdict(&self, register: Register) -> Option<&Verdict> {
        self.verdicts.get(&register)
    }

    /// The verdicts on all registers that a value was proved of.
    pub fn verdicts(&self) -> impl Iterator<Item = (Register, &Verdict)> {
        self.verdicts.iter().map(|(register, verdict)| (*register, verdict))
    }

    /// The events of a register that the log explains; `None` for any other one.
    #[must_use]
    pub fn explained(&self, register: Register) -> Option<&ExplainedRegister<'a>> {
        self.explained.get(&register)
    }

    /// The registers that the log explains, with their events.
    pub fn all_explained(&self) -> impl Iterator<Item = &ExplainedRegister<'a>> {
        self.explained.values()
    }
}

/// What a log's events make of one register of one bank.
struct Chain {
    /// The value that the register then holds; `None` in a bank whose algorithm is not computed here.
    value: Option<Digest>,
    /// How many events have a digest in the bank: no other extends it.
    extensions: usize,
    /// Whether an event has no digest in the bank.
    lacks_digests: bool,
}

/// The chains of all registers that an event extends.
fn chains(log: &Log<'_>, algorithm: HashAlgorithm) -> BTreeMap<Register, Chain> {
    let mut chains = BTreeMap::new();
    for event in log.events() {
        let Some(register) = event.extends() else { continue };
        let chain = chains.entry(register).or_insert_with(|| Chain {
            value: Some(start(log, register, algorithm)),
            extensions: 0,
            lacks_digests: false,
        });
        let digest = event.digests().get(algorithm).and_then(|bytes| Digest::new(algorithm, bytes));
        match digest {
            Some(digest) => {
                chain.value = chain.value.and_then(|value| value.extended_by(&digest));
                chain.extensions = chain.extensions.saturating_add(1);
            }
            None => chain.lacks_digests = true,
        }
    }
    chains
}

/// What a register holds before the first event of the log.
fn start(log: &Log<'_>, register: Register, algorithm: HashAlgorithm) -> Digest {
    let reset = register.reset_value(algorithm);
    match register {
        Register::Pcr(0) => reset.ending_in(log.untrusted_startup_locality()),
        _ => reset,
    }
}
