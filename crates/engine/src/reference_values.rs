//! Reference values of confidential VMs, and the compliance status that they give.

use std::collections::BTreeSet;
use std::fmt::Display;

use avouch_claims::Recognition;
use avouch_dcap::VerifiedQuote;
use avouch_snp::VerifiedReport;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Finding;

/// How many entries are told of that do not match.
const EXPLAINED_MAX: usize = 3;

/// The status that Microsoft's clients demand of a confidential VM.
const AZURE_STATUS: &str = "azure-compliant-cvm";

/// Which confidential VMs an operator vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReferenceValues {
    /// The value of `x-ms-compliance-status` for entries that have none of their own; without one it is the
    /// one that Microsoft's clients demand, but of machines that are known not to be Azure's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compliance_status: Option<String>,
    /// Guests of SEV-SNP.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub snp: Vec<avouch_snp::ReferenceValues>,
    /// Trust domains.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tdx: Vec<avouch_dcap::ReferenceValues>,
}

/// Why reference values cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReferenceValuesError {
    /// The general status is empty.
    #[error("compliance_status is empty")]
    Status,
    /// Two entries have one name.
    #[error("two entries are named {0:?}")]
    Name(String),
    /// An entry for SEV-SNP is not one.
    #[error("{name:?}: {source}")]
    Snp {
        /// Its name.
        name: String,
        /// What is wrong.
        source: avouch_snp::ReferenceValuesError,
    },
    /// An entry for TDX is not one.
    #[error("{name:?}: {source}")]
    Tdx {
        /// Its name.
        name: String,
        /// What is wrong.
        source: avouch_dcap::ReferenceValuesError,
    },
}

/// Verified facts that reference values speak of.
#[derive(Debug, Clone, Copy)]
pub enum ReferenceSubject<'a> {
    /// A guest of SEV-SNP.
    Guest(&'a VerifiedReport),
    /// A trust domain.
    TrustDomain(&'a VerifiedQuote),
}

/// What a machine gives as reference values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReferenceSample {
    /// A guest of SEV-SNP.
    Snp(avouch_snp::ReferenceValues),
    /// A trust domain.
    Tdx(avouch_dcap::ReferenceValues),
}

impl ReferenceSample {
    /// The same as of a paravisor.
    #[must_use]
    pub fn of_paravisor(mut self) -> Self {
        match &mut self {
            Self::Snp(entry) => entry.paravisor = true,
            Self::Tdx(entry) => entry.paravisor = true,
        }
        self
    }
}

impl ReferenceSubject<'_> {
    /// What it gives under a name; none if the quote is an enclave's.
    #[must_use]
    pub fn sample(&self, name: &str) -> Option<ReferenceSample> {
        match self {
            Self::Guest(report) => {
                Some(ReferenceSample::Snp(avouch_snp::ReferenceValues::of(report, name)))
            }
            Self::TrustDomain(quote) => {
                avouch_dcap::ReferenceValues::of(quote, name).map(ReferenceSample::Tdx)
            }
        }
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::Guest(_) => "SEV-SNP",
            Self::TrustDomain(_) => "TDX",
        }
    }
}

/// An entry beside a subject.
struct Compared<'a> {
    name: &'a str,
    status: Option<&'a str>,
    is_paravisor: bool,
    /// In what the subject differs from it.
    mismatches: Vec<String>,
}

impl ReferenceValues {
    /// That they vouch for nobody by accident.
    ///
    /// # Errors
    /// [`ReferenceValuesError`].
    pub fn check(&self) -> Result<(), ReferenceValuesError> {
        if self.compliance_status.as_ref().is_some_and(|status| status.trim().is_empty()) {
            return Err(ReferenceValuesError::Status);
        }
        for entry in &self.snp {
            let name = || entry.name.clone();
            entry.check().map_err(|source| ReferenceValuesError::Snp { name: name(), source })?;
        }
        for entry in &self.tdx {
            let name = || entry.name.clone();
            entry.check().map_err(|source| ReferenceValuesError::Tdx { name: name(), source })?;
        }
        let mut names = BTreeSet::new();
        match self.names().find(|name| !names.insert(*name)) {
            Some(twice) => Err(ReferenceValuesError::Name(twice.to_owned())),
            None => Ok(()),
        }
    }

    /// The names of all entries.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let snp = self.snp.iter().map(|entry| entry.name.as_str());
        snp.chain(self.tdx.iter().map(|entry| entry.name.as_str()))
    }

    /// The same with what a machine gives.
    #[must_use]
    pub fn with(mut self, sample: ReferenceSample) -> Self {
        match sample {
            ReferenceSample::Snp(entry) => self.snp.push(entry),
            ReferenceSample::Tdx(entry) => self.tdx.push(entry),
        }
        self
    }

    /// The name of the first entry that matches.
    #[must_use]
    pub fn matching(&self, subject: ReferenceSubject<'_>) -> Option<&str> {
        let mut compared = self.compare(subject).into_iter();
        compared.find(|one| one.mismatches.is_empty()).map(|one| one.name)
    }

    /// The name of the first entry for a paravisor that matches.
    ///
    /// # Errors
    /// A [`Finding`] that says of those that differ least in what.
    pub fn paravisor(&self, subject: ReferenceSubject<'_>) -> Result<&str, Finding> {
        let mut compared = self.compare(subject);
        compared.retain(|one| one.is_paravisor);
        match compared.iter().find(|one| one.mismatches.is_empty()) {
            Some(entry) => Ok(entry.name),
            None => Err(absent(compared, &PARAVISOR, subject.title())),
        }
    }

    /// The status of the first entry that matches.
    ///
    /// # Errors
    /// A [`Finding`] that says of those that differ least in what.
    pub fn status(&self, subject: ReferenceSubject<'_>) -> Result<&str, Finding> {
        self.entry(subject).map(|(_, status)| status.unwrap_or(AZURE_STATUS))
    }

    /// The status that the first entry that matches has by an operator's word, for machines that are known
    /// not to be Azure's: nobody is to take them for such unless an operator says so.
    ///
    /// # Errors
    /// As [`ReferenceValues::status`]; and if neither the entry nor the file names a status.
    pub fn named_status(&self, subject: ReferenceSubject<'_>) -> Result<&str, Finding> {
        let (name, status) = self.entry(subject)?;
        status.ok_or_else(|| {
            let message = format!(
                "no x-ms-compliance-status: {name} matches and names none, and without a name it is \
                 that of Azure's machines, which this one is not"
            );
            Finding { name: "no-compliance-status", message }
        })
    }

    /// The first entry that matches, and the status that is named for it.
    fn entry(&self, subject: ReferenceSubject<'_>) -> Result<(&str, Option<&str>), Finding> {
        let compared = self.compare(subject);
        match compared.iter().find(|one| one.mismatches.is_empty()) {
            Some(entry) => Ok((entry.name, entry.status.or(self.compliance_status.as_deref()))),
            None => Err(absent(compared, &STATUS, subject.title())),
        }
    }

    /// Whether they know a subject; not asked where they speak of none of its kind.
    #[must_use]
    pub fn recognize(&self, subject: ReferenceSubject<'_>) -> Recognition {
        recognition(self.compare(subject).iter())
    }

    /// Whether they know it as a paravisor; not asked where they speak of none of its kind.
    #[must_use]
    pub fn recognize_paravisor(&self, subject: ReferenceSubject<'_>) -> Recognition {
        recognition(self.compare(subject).iter().filter(|one| one.is_paravisor))
    }

    fn compare(&self, subject: ReferenceSubject<'_>) -> Vec<Compared<'_>> {
        match subject {
            ReferenceSubject::Guest(report) => {
                let entries = self.snp.iter().map(|entry| Compared {
                    name: &entry.name,
                    status: entry.compliance_status.as_deref(),
                    is_paravisor: entry.paravisor,
                    mismatches: texts(&entry.mismatches(report)),
                });
                entries.collect()
            }
            ReferenceSubject::TrustDomain(quote) => {
                let entries = self.tdx.iter().map(|entry| Compared {
                    name: &entry.name,
                    status: entry.compliance_status.as_deref(),
                    is_paravisor: entry.paravisor,
                    mismatches: texts(&entry.mismatches(quote)),
                });
                entries.collect()
            }
        }
    }
}

fn recognition<'c>(compared: impl Iterator<Item = &'c Compared<'c>>) -> Recognition {
    let mut found = Recognition::NotAsked;
    for one in compared {
        if one.mismatches.is_empty() {
            return Recognition::Recognized;
        }
        found = Recognition::Unrecognized;
    }
    found
}

fn texts<M: Display>(mismatches: &[M]) -> Vec<String> {
    mismatches.iter().map(ToString::to_string).collect()
}

/// What there is not, where no entry matches.
struct Absent {
    finding: &'static str,
    /// Which claims are absent, behind "no".
    claim: &'static str,
    entries: &'static str,
}

const STATUS: Absent = Absent {
    finding: "no-compliance-status",
    claim: "x-ms-compliance-status",
    entries: "reference values",
};

/// Whoever is root in a guest without a paravisor has a report made of the attestation key of any machine.
const PARAVISOR: Absent = Absent {
    finding: "no-known-paravisor",
    claim: "x-ms-compliance-status, and x-ms-isolation-tee may be another machine's",
    entries: "reference values of a paravisor",
};

/// Why there is none, by the entries that differ least.
fn absent(mut compared: Vec<Compared<'_>>, what: &Absent, title: &str) -> Finding {
    compared.sort_by_key(|entry| entry.mismatches.len());
    let Absent { finding, claim, entries } = what;
    let mut message = match compared.len() {
        0 => format!("no {claim}: there are no {entries} for {title}"),
        count => format!("no {claim}: none of {count} {entries} match"),
    };
    for entry in compared.iter().take(EXPLAINED_MAX) {
        message.push_str(&format!("; {}: {}", entry.name, entry.mismatches.join(", ")));
    }
    Finding { name: finding, message }
}
