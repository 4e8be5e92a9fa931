//! Replay of PCR 10: which entries the quoted value proves.
//!
//! The list goes on while a machine quotes, so it may be longer than the quote knows: a *prefix* leads
//! to the quoted value, and what follows it is not attested. A chain of hashes never comes back to a
//! value, so there is one prefix or none.

use std::fmt;

use super::{Entry, List, ReplayError};
use crate::{Digest, HashAlgorithm, Register, RegisterValues};

/// The register that IMA extends.
pub(super) const IMA_PCR: u8 = 10;

/// What the kernel extended a bank by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The bank's own hash of the template data (since Linux 5.8, and always in the bank of SHA-1).
    Own,
    /// The SHA-1 of the template data, with zeros behind it (before Linux 5.8).
    PaddedSha1,
}

impl Rule {
    /// Its name in what we print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::PaddedSha1 => "padded-sha1",
        }
    }
}

/// A prefix of a list that leads to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// How many entries of the list are in it.
    pub entries: usize,
    /// By which rule they lead there.
    pub rule: Rule,
}

/// What a list says about one value of PCR 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BankVerdict {
    /// The value of the register.
    pub proven: Digest,
    /// What the whole list leads to by the bank's own rule; none if that is not computed here.
    pub replayed: Option<Digest>,
    /// The prefix that leads to the value, if one does.
    pub prefix: Option<Prefix>,
}

impl fmt::Display for BankVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { proven, replayed, .. } = self;
        write!(f, "{} {proven}", proven.algorithm())?;
        match replayed {
            Some(replayed) => write!(f, ", the whole list to {replayed}"),
            None => f.write_str(", which is not computed here"),
        }
    }
}

/// Whether entries count that only digests of SHA-1 prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sha1 {
    /// They do not: of two entries with one SHA-1, a list can show the other one.
    #[default]
    Refused,
    /// The operator takes them.
    Accepted,
}

/// Replays a list to one value of PCR 10, in the bank of its algorithm.
#[must_use]
pub fn replay(list: &List<'_>, proven: Digest) -> BankVerdict {
    let (prefix, replayed) = chain(list, proven.algorithm(), Some(proven), Rule::Own);
    let padded = || {
        if proven.algorithm() == HashAlgorithm::Sha1 {
            return None;
        }
        chain(list, proven.algorithm(), Some(proven), Rule::PaddedSha1).0
    };
    let rule = if prefix.is_some() { Rule::Own } else { Rule::PaddedSha1 };
    let entries = prefix.or_else(padded);
    let prefix = entries.map(|entries| Prefix { entries, rule });
    BankVerdict { proven, replayed, prefix }
}

/// What PCR 10 holds in a bank if exactly the whole list extended it, by the bank's own rule; none if
/// the algorithm is not computed here.
///
/// This is what the list claims. Judging it by that makes all of it proven, which is right for showing
/// a list and for nothing else.
#[must_use]
pub fn claimed_value(list: &List<'_>, algorithm: HashAlgorithm) -> Option<Digest> {
    chain(list, algorithm, None, Rule::Own).1
}

/// The prefix that leads to `wanted`; and if none does, what the whole list leads to.
fn chain(
    list: &List<'_>,
    algorithm: HashAlgorithm,
    wanted: Option<Digest>,
    rule: Rule,
) -> (Option<usize>, Option<Digest>) {
    let mut value = Digest::filled(algorithm, 0);
    for entry in list.entries() {
        if Some(value) == wanted {
            return (Some(entry.index()), None);
        }
        if entry.pcr() != IMA_PCR {
            continue;
        }
        let next = extension(&entry, algorithm, rule)
            .and_then(|by| algorithm.hash(&[value.as_bytes(), by.as_bytes()]));
        match next {
            Some(next) => value = next,
            None => return (None, None),
        }
    }
    ((Some(value) == wanted).then_some(list.len()), Some(value))
}

/// What an entry extends a bank by.
fn extension(entry: &Entry<'_>, algorithm: HashAlgorithm, rule: Rule) -> Option<Digest> {
    if entry.is_violation() {
        return Some(Digest::filled(algorithm, 0xff));
    }
    match rule {
        // The hash in the list is what was extended. Whether it is that of the data is asked later.
        Rule::Own if entry.untrusted_hash().len() == algorithm.digest_length() => {
            Digest::new(algorithm, entry.untrusted_hash())
        }
        Rule::Own => entry.data_hash(algorithm),
        Rule::PaddedSha1 => {
            let sha1 = entry.data_hash(HashAlgorithm::Sha1)?;
            let mut padded = sha1.as_bytes().to_vec();
            padded.resize(algorithm.digest_length(), 0);
            Digest::new(algorithm, &padded)
        }
    }
}

/// The bank whose value counts: the best that the quote proves PCR 10 of. It is chosen before it is
/// judged: when it proves nothing, no other one stands in for it.
fn bank(proven: &RegisterValues, sha1: Sha1) -> Option<Digest> {
    let counts = |algorithm: &HashAlgorithm| {
        algorithm.is_strong() || (sha1 == Sha1::Accepted && *algorithm == HashAlgorithm::Sha1)
    };
    HashAlgorithm::ALL
        .into_iter()
        .filter(counts)
        .find_map(|algorithm| proven.get(algorithm, Register::Pcr(IMA_PCR)).copied())
}

/// The entries of a list that the values of a verified quote prove.
///
/// # Errors
/// [`ReplayError`] if PCR 10 was not quoted in a bank that counts, or no prefix leads to its value.
pub fn prove<'l, 'a>(
    list: &'l List<'a>,
    proven: &RegisterValues,
    sha1: Sha1,
) -> Result<ProvenList<'l, 'a>, ReplayError> {
    let value = bank(proven, sha1).ok_or(ReplayError::NoBank)?;
    let verdict = replay(list, value);
    let Some(prefix) = verdict.prefix else {
        let (entries, verdict) = (list.len(), Box::new(verdict));
        return Err(ReplayError::Unexplained { entries, verdict });
    };
    if prefix.rule == Rule::PaddedSha1 && sha1 == Sha1::Refused {
        return Err(ReplayError::Sha1Only);
    }
    Ok(ProvenList { list, algorithm: value.algorithm(), prefix })
}

/// The entries that PCR 10 proves. Only [`prove`] makes one.
#[derive(Debug, Clone)]
pub struct ProvenList<'l, 'a> {
    list: &'l List<'a>,
    algorithm: HashAlgorithm,
    prefix: Prefix,
}

impl<'l, 'a> ProvenList<'l, 'a> {
    /// The list of which they are the beginning.
    #[must_use]
    pub const fn list(&self) -> &'l List<'a> {
        self.list
    }

    /// Algorithm of the bank that proves them.
    #[must_use]
    pub const fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// By which rule it does.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        self.prefix.rule
    }

    /// How many entries of the list are in the prefix.
    #[must_use]
    pub const fn prefix_length(&self) -> usize {
        self.prefix.entries
    }

    /// The entries that extended PCR 10 before the quote, in the order in which they did. Entries of
    /// other registers in between are not among them.
    pub fn entries(&self) -> impl Iterator<Item = ProvenEntry<'l>> {
        let list: &'l List<'a> = self.list;
        list.entries()
            .take(self.prefix.entries)
            .filter(|entry| entry.pcr() == IMA_PCR)
            .map(|entry| ProvenEntry { entry })
    }
}

/// An entry that PCR 10 proves. Only a replay makes one.
#[derive(Debug, Clone, Copy)]
pub struct ProvenEntry<'l> {
    entry: Entry<'l>,
}

/// What an entry proves.
#[derive(Debug, Clone)]
pub(super) enum Proof<'l> {
    /// That something was written while it was measured; not what.
    Violation,
    /// What it is about.
    Content(super::Content<'l>),
    /// Nothing: its hash is not that of its data, or they are not what a kernel writes.
    Nothing,
}

impl<'l> ProvenEntry<'l> {
    /// Its place in the list, from 0.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.entry.index()
    }

    /// What it proves.
    pub(super) fn proof(&self) -> Proof<'l> {
        if self.entry.is_violation() {
            return Proof::Violation;
        }
        match self.entry.untrusted_content() {
            Ok(content) if self.entry.hash_is_of_data() => Proof::Content(content),
            _ => Proof::Nothing,
        }
    }

    /// What it is about, if the register proves that.
    #[must_use]
    pub fn content(&self) -> Option<super::Content<'l>> {
        match self.proof() {
            Proof::Content(content) => Some(content),
            Proof::Violation | Proof::Nothing => None,
        }
    }
}
