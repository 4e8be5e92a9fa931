//! `[appraisal]`: what is accepted of evidence that verified, for all and for single providers.

use std::collections::BTreeMap;

use avouch_dcap::AcceptedTcbStatuses;
use avouch_engine::AppraisalSettings;
use avouch_snp::uvm::{UvmTrust, UvmTrustEntry};
use avouch_store::ProviderName;
use avouch_wire::UnixTime;
use serde::{Deserialize, Deserializer};

use super::{ConfigError, TrustRoots};

/// `[appraisal]`
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppraisalConfig {
    /// Roots that are trusted besides the vendors' own. Tokens that rest on one say so.
    pub trust_roots: TrustRoots,
    /// Intel TCB statuses, or the single word `any`.
    #[serde(deserialize_with = "statuses")]
    pub accepted_tcb_statuses: Option<AcceptedTcbStatuses>,
    /// Intel advisories tolerated until a date.
    pub tolerated_advisories: Option<Vec<ToleratedAdvisory>>,
    /// Refuse debuggable evidence of every kind.
    pub refuse_debuggable: Option<bool>,
    /// Refuse TDs that a migration TD may move.
    pub refuse_migratable: Option<bool>,
    /// Refuse TDs to which a service TD is or may be bound.
    pub refuse_service_td: Option<bool>,
    /// Tell clients which condition of a policy refused them, with the values on both sides.
    pub explain_refusals: Option<bool>,
    /// `[appraisal.snp]`: reference values and floors for SEV-SNP.
    pub snp: Option<avouch_snp::Acceptance>,
    /// `[[appraisal.uvm]]`: whose utility VM endorsements count, instead of Microsoft's.
    pub uvm: Option<Vec<UvmTrustEntry>>,
    /// `[appraisal.providers.NAME]`: what differs for one provider.
    pub providers: BTreeMap<String, AppraisalOverride>,
}

/// `[appraisal.providers.NAME]`: each key that is given replaces the one of `[appraisal]`, as a
/// whole.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppraisalOverride {
    /// Intel TCB statuses, or the single word `any`.
    #[serde(deserialize_with = "statuses")]
    pub accepted_tcb_statuses: Option<AcceptedTcbStatuses>,
    /// Intel advisories tolerated until a date.
    pub tolerated_advisories: Option<Vec<ToleratedAdvisory>>,
    /// Refuse debuggable evidence of every kind.
    pub refuse_debuggable: Option<bool>,
    /// Refuse TDs that a migration TD may move.
    pub refuse_migratable: Option<bool>,
    /// Refuse TDs to which a service TD is or may be bound.
    pub refuse_service_td: Option<bool>,
    /// Tell clients which condition of a policy refused them, with the values on both sides.
    pub explain_refusals: Option<bool>,
    /// Reference values and floors for SEV-SNP.
    pub snp: Option<avouch_snp::Acceptance>,
    /// Whose utility VM endorsements count.
    pub uvm: Option<Vec<UvmTrustEntry>>,
}

/// An advisory and the last moment at which it is tolerated.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToleratedAdvisory {
    /// Intel's id, such as `INTEL-SA-00615`.
    pub id: String,
    /// RFC 3339, or a date, which means its end in UTC.
    #[serde(deserialize_with = "moment")]
    pub until: UnixTime,
}

impl AppraisalConfig {
    /// The settings of the provider of this name.
    #[must_use]
    pub fn settings_for(&self, provider: &str) -> AppraisalSettings {
        let mut settings = AppraisalSettings::default();
        self.as_override().apply(&mut settings);
        if let Some(own) = self.providers.get(&provider.to_ascii_lowercase()) {
            own.apply(&mut settings);
        }
        settings
    }

    /// Whether the provider of this name tells its clients which condition refused them.
    #[must_use]
    pub fn explains_refusals(&self, provider: &str) -> bool {
        let own = self.providers.get(&provider.to_ascii_lowercase());
        own.and_then(|own| own.explain_refusals).or(self.explain_refusals).unwrap_or(false)
    }

    fn as_override(&self) -> AppraisalOverride {
        AppraisalOverride {
            accepted_tcb_statuses: self.accepted_tcb_statuses.clone(),
            tolerated_advisories: self.tolerated_advisories.clone(),
            refuse_debuggable: self.refuse_debuggable,
            refuse_migratable: self.refuse_migratable,
            refuse_service_td: self.refuse_service_td,
            explain_refusals: self.explain_refusals,
            snp: self.snp.clone(),
            uvm: self.uvm.clone(),
        }
    }

    /// Provider names as keys in lower case; names that no provider can have are refused.
    pub(super) fn check(&mut self) -> Result<(), ConfigError> {
        self.providers = by_name("appraisal.providers", std::mem::take(&mut self.providers))?;
        Ok(())
    }
}

impl AppraisalOverride {
    fn apply(&self, settings: &mut AppraisalSettings) {
        let intel = &mut settings.intel;
        if let Some(statuses) = &self.accepted_tcb_statuses {
            intel.tcb_statuses = statuses.clone();
        }
        if let Some(advisories) = &self.tolerated_advisories {
            intel.tolerated_advisories = advisories
                .iter()
                .map(|one| avouch_dcap::ToleratedAdvisory { id: one.id.clone(), until: one.until })
                .collect();
        }
        intel.refuse_migratable = self.refuse_migratable.unwrap_or(intel.refuse_migratable);
        intel.refuse_service_td = self.refuse_service_td.unwrap_or(intel.refuse_service_td);
        let refused_before = intel.refuse_debuggable;
        intel.refuse_debuggable = self.refuse_debuggable.unwrap_or(refused_before);
        if let Some(snp) = &self.snp {
            // A table of reference values does not by itself allow what was refused.
            settings.snp = snp.clone();
            settings.snp.refuse_debuggable |= refused_before;
        }
        if let Some(refuse) = self.refuse_debuggable {
            let in_table = self.snp.as_ref().is_some_and(|snp| snp.refuse_debuggable);
            settings.snp.refuse_debuggable = refuse || in_table;
        }
        if let Some(entries) = &self.uvm {
            settings.uvm = UvmTrust { entries: entries.clone() };
        }
    }
}

/// A table whose keys are provider names, in their one form.
pub(super) fn by_name<T>(
    section: &str,
    table: BTreeMap<String, T>,
) -> Result<BTreeMap<String, T>, ConfigError> {
    let mut found = BTreeMap::new();
    for (name, value) in table {
        let key =
            ProviderName::key_of(&name).map_err(|error| ConfigError::value(section, error))?;
        if found.insert(key, value).is_some() {
            let message = format!("provider {name:?} is named twice, in different case");
            return Err(ConfigError::value(section, message));
        }
    }
    Ok(found)
}

fn statuses<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<AcceptedTcbStatuses>, D::Error> {
    let words = Vec::<String>::deserialize(deserializer)?;
    words.join(",").parse().map(Some).map_err(serde::de::Error::custom)
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnixTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    let full = if text.len() == 10 { format!("{text}T23:59:59Z") } else { text };
    UnixTime::from_rfc3339(&full).map_err(serde::de::Error::custom)
}
