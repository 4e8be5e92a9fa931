//! Which code a service publishes that it runs: now, from when on, and until when.
//!
//! A service that is changed gets another measurement, and whoever pins the old one refuses it from that
//! moment. So a change is announced two months ahead, and what it replaces stays good for one month after.
//! The document says when each measurement was announced and from when on it runs; when the one before ends
//! follows from that and is written nowhere.
//!
//! Both rules hold for every measurement but those that a list began with, which nobody waited for: each is
//! announced two months ahead, whatever it says of others, and each ends what it replaces, or, if it names
//! nothing, everything for the same TEE that was in force before it.

mod compare;
mod error;
mod judge;
mod narrower;

use std::collections::{BTreeMap, BTreeSet};

use avouch_wire::json::parse_object;
use avouch_wire::{Hex, UnixTime};
use serde::{Deserialize, Serialize};

pub use error::{MeasurementsError, UnpublishedMeasurement};

/// Largest document read, in bytes.
pub const MEASUREMENTS_BYTES_MAX: usize = 256 * 1024;
/// Most measurements in one document.
const MEASUREMENTS_MAX: usize = 256;
/// How many months before it runs a replacement is announced.
pub(crate) const NOTICE_MONTHS: u8 = 2;
/// How many months what was replaced stays good.
const OVERLAP_MONTHS: u8 = 1;

/// The measurements that a service publishes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurements {
    /// Each with its name and times.
    measurements: Vec<Measurement>,
    /// Names of those that are in force later than they say, for whoever has this list, and from when on.
    #[serde(skip)]
    delayed: BTreeMap<String, UnixTime>,
}

/// One measurement: what runs, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// What the publisher calls it.
    pub name: String,
    /// When it was announced.
    pub announced_at: UnixTime,
    /// From when on it runs: two months after its announcement at the earliest, unless the list began with it.
    pub in_force_from: UnixTime,
    /// The measurement that it replaces, by name: that one ends one month after this one is in force. If it
    /// names none, every one for the same TEE that was in force before ends then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// When it was withdrawn before its time, as for a known fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<UnixTime>,
    /// What runs.
    pub workload: WorkloadMeasurement,
}

/// The measurement of a workload, by its TEE.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkloadMeasurement {
    /// An enclave of SGX.
    Sgx(EnclaveMeasurement),
    /// A trust domain.
    Tdx(TrustDomainMeasurement),
    /// A guest of SEV-SNP.
    Snp(GuestMeasurement),
}

/// Of an enclave: `MRENCLAVE`, or who signed what product in which version.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnclaveMeasurement {
    /// `MRENCLAVE`, 32 bytes in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mr_enclave: Option<Hex<32>>,
    /// `MRSIGNER`, 32 bytes in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mr_signer: Option<Hex<32>>,
    /// `ISVPRODID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isv_prod_id: Option<u16>,
    /// Least `ISVSVN`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_isv_svn: Option<u16>,
}

/// Of a trust domain: its firmware, and what that booted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustDomainMeasurement {
    /// `MRTD`, 48 bytes in hex.
    pub mr_td: Hex<48>,
    /// `RTMR[0]`, 48 bytes in hex: the configuration of the virtual hardware; any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtmr0: Option<Hex<48>>,
    /// `RTMR[1]`, 48 bytes in hex: the kernel.
    pub rtmr1: Hex<48>,
    /// `RTMR[2]`, 48 bytes in hex: the kernel's command line and initial file system.
    pub rtmr2: Hex<48>,
    /// `RTMR[3]`, 48 bytes in hex: what the running system measured; any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtmr3: Option<Hex<48>>,
}

/// Of a guest: its launch digest or the endorsement of its utility VM, and its host data.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuestMeasurement {
    /// `MEASUREMENT`, 48 bytes in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measurement: Option<Hex<48>>,
    /// The published utility VM that it may be instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uvm: Option<UvmMeasurement>,
    /// `HOST_DATA`, 32 bytes in hex: of confidential containers the hash of their policy; needed beside `uvm`,
    /// which says nothing of the containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_data: Option<Hex<32>>,
}

/// A utility VM that its publisher endorses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UvmMeasurement {
    /// The publisher, a `did:x509` identifier.
    pub issuer: String,
    /// The name of what is published.
    pub feed: String,
    /// Least security version.
    pub minimum_svn: u64,
}

/// Where a measurement stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum MeasurementState {
    /// It does not run yet.
    Announced {
        /// From when on it will.
        from: UnixTime,
    },
    /// It runs.
    Current {
        /// Until when it is good, if a replacement is announced.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<UnixTime>,
    },
    /// It must not run any more.
    Retired {
        /// Since when.
        since: UnixTime,
    },
}

impl Measurements {
    /// Reads a document: `{"measurements": […]}`, at most 256 KiB and 256 of them.
    ///
    /// Nothing says who wrote it: that is for the caller to know.
    ///
    /// # Errors
    /// [`MeasurementsError`] if it cannot be read, would let any code pass, or breaks the times of notice.
    pub fn parse(document: &[u8]) -> Result<Self, MeasurementsError> {
        let members = parse_object(document, MEASUREMENTS_BYTES_MAX)?;
        let read: Self = serde_json::from_value(serde_json::Value::Object(members))
            .map_err(|error| MeasurementsError::Form(error.to_string()))?;
        Self::new(read.measurements)
    }

    /// Those of a list, which began with what was announced first.
    ///
    /// # Errors
    /// As [`Measurements::parse`].
    pub fn new(measurements: Vec<Measurement>) -> Result<Self, MeasurementsError> {
        let began_at = measurements.iter().map(|one| one.announced_at).min();
        Self::begun_at(began_at.unwrap_or(UnixTime::EPOCH), measurements)
    }

    /// Those of a list that was first published at a moment: only what was announced then needs no notice.
    ///
    /// # Errors
    /// As [`Measurements::parse`].
    pub fn begun_at(
        began_at: UnixTime,
        measurements: Vec<Measurement>,
    ) -> Result<Self, MeasurementsError> {
        let all = Self { measurements, delayed: BTreeMap::new() };
        all.check(began_at)?;
        Ok(all)
    }

    /// Each of them, in the document's order.
    #[must_use]
    pub fn all(&self) -> &[Measurement] {
        &self.measurements
    }

    /// The same list for whoever was told of some of it too late: those are in force from these moments on, if not
    /// later still.
    pub(crate) fn delayed_to(&self, delayed: BTreeMap<String, UnixTime>) -> Self {
        Self { measurements: self.measurements.clone(), delayed }
    }

    /// From when on one of them is in force for whoever has this list.
    #[must_use]
    pub fn in_force_from(&self, measurement: &Measurement) -> UnixTime {
        let delayed = self.delayed.get(&measurement.name).copied();
        delayed.map_or(measurement.in_force_from, |it| it.max(measurement.in_force_from))
    }

    /// Where one of them stands at a moment.
    #[must_use]
    pub fn state(&self, measurement: &Measurement, at: UnixTime) -> MeasurementState {
        let end = self.end(measurement);
        match end {
            Some(since) if since <= at => MeasurementState::Retired { since },
            _ if self.in_force_from(measurement) > at => {
                MeasurementState::Announced { from: self.in_force_from(measurement) }
            }
            until => MeasurementState::Current { until },
        }
    }

    /// When it ends: when it is withdrawn, or a month after what replaces it first is in force.
    fn end(&self, measurement: &Measurement) -> Option<UnixTime> {
        let replaced = self.measurements.iter().filter(|other| other.ends(measurement));
        let in_force = replaced.map(|other| self.in_force_from(other));
        let ends = in_force.map(|from| from.saturating_add_months(OVERLAP_MONTHS));
        ends.chain(measurement.withdrawn_at).min()
    }

    /// That it lets no code pass by accident, and that times of notice are kept.
    fn check(&self, began_at: UnixTime) -> Result<(), MeasurementsError> {
        if self.measurements.is_empty() {
            return Err(MeasurementsError::Empty);
        }
        if self.measurements.len() > MEASUREMENTS_MAX {
            let (found, limit) = (self.measurements.len(), MEASUREMENTS_MAX);
            return Err(MeasurementsError::TooMany { found, limit });
        }
        let mut names = BTreeSet::new();
        for measurement in &self.measurements {
            let name = || measurement.name.clone();
            if measurement.name.trim().is_empty() || !names.insert(&measurement.name) {
                return Err(MeasurementsError::Name(name()));
            }
            measurement
                .workload
                .check()
                .map_err(|what| MeasurementsError::AnyWorkload { name: name(), what })?;
            if measurement.in_force_from < measurement.announced_at {
                return Err(MeasurementsError::InForceUnannounced { name: name() });
            }
            measurement.check_notice(began_at)?;
        }
        self.measurements.iter().try_for_each(|measurement| self.check_replacement(measurement))
    }

    fn check_replacement(&self, measurement: &Measurement) -> Result<(), MeasurementsError> {
        let Some(replaced) = &measurement.replaces else { return Ok(()) };
        let name = || measurement.name.clone();
        let earlier = self
            .measurements
            .iter()
            .find(|one| one.name == *replaced && one.in_force_from < measurement.in_force_from);
        let Some(earlier) = earlier else {
            return Err(MeasurementsError::Replaces { name: name(), replaced: replaced.clone() });
        };
        if !earlier.workload.is_of_the_same_tee(&measurement.workload) {
            return Err(MeasurementsError::OtherTee { name: name(), replaced: replaced.clone() });
        }
        Ok(())
    }
}

impl Measurement {
    /// Whether it ends another one: the one that it names, or every one of its TEE that came before.
    fn ends(&self, other: &Self) -> bool {
        match &self.replaces {
            Some(name) => *name == other.name,
            None => {
                other.in_force_from < self.in_force_from
                    && other.workload.is_of_the_same_tee(&self.workload)
            }
        }
    }

    /// That whoever reads the list knew of it for two months before it is in force.
    fn check_notice(&self, began_at: UnixTime) -> Result<(), MeasurementsError> {
        let earliest = self.announced_at.saturating_add_months(NOTICE_MONTHS);
        if self.announced_at > began_at && self.in_force_from < earliest {
            let (name, found) = (self.name.clone(), self.in_force_from);
            return Err(MeasurementsError::Notice { name, found, earliest });
        }
        Ok(())
    }
}
