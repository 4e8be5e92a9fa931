//! `[appraisal]`: what is accepted of evidence that verified, for all and for single providers.

use std::collections::BTreeMap;
use std::sync::Arc;

use avouch_dcap::{AcceptedTcbStatuses, PlatformExceptionError, TcbEvaluation, TcbFloor};
use avouch_engine::AppraisalSettings;
use avouch_snp::uvm::{UvmTrust, UvmTrustEntry};
use avouch_store::ProviderName;
use avouch_wire::{Hex, UnixTime};
use serde::{Deserialize, Deserializer};

use super::{ConfigError, FilesConfig, ReferenceValuesConfig, TrustRoots};

/// What holds for one provider.
#[derive(Debug, Clone, Default)]
pub struct ProviderSettings {
    /// What it accepts of evidence that verified.
    pub appraisal: AppraisalSettings,
    /// Whether its clients are told which condition of a policy refused them.
    pub explain_refusals: bool,
}

/// Makes both tables of one list of keys: each with its type, and what it sets where it is given. Keys
/// are set in the order of the list.
macro_rules! keys {
    ($($(#[$attribute:meta])* $key:ident: $type:ty => $set:expr,)*) => {
        /// `[appraisal]`
        #[derive(Debug, Clone, PartialEq, Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct AppraisalConfig {
            /// Roots that are trusted besides the vendors' own. Tokens that rest on one say so.
            pub trust_roots: TrustRoots,
            $($(#[$attribute])* pub $key: Option<$type>,)*
            /// `[appraisal.providers.NAME]`: what differs for one provider.
            pub providers: BTreeMap<String, AppraisalOverride>,
        }

        /// `[appraisal.providers.NAME]`: each key that is given replaces the one of `[appraisal]`, as a
        /// whole.
        #[derive(Debug, Clone, PartialEq, Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct AppraisalOverride {
            $($(#[$attribute])* pub $key: Option<$type>,)*
        }

        impl AppraisalConfig {
            fn apply(&self, settings: &mut ProviderSettings) {
                $(set(settings, self.$key.as_ref(), $set);)*
            }
        }

        impl AppraisalOverride {
            fn apply(&self, settings: &mut ProviderSettings) {
                $(set(settings, self.$key.as_ref(), $set);)*
            }
        }
    };
}

fn set<T>(settings: &mut ProviderSettings, given: Option<&T>, set: fn(&mut ProviderSettings, &T)) {
    if let Some(value) = given {
        set(settings, value);
    }
}

keys! {
    /// Intel TCB statuses, or the single word `any`.
    #[serde(deserialize_with = "statuses")]
    accepted_tcb_statuses: AcceptedTcbStatuses => |to, statuses| {
        to.appraisal.intel.tcb_statuses = statuses.clone();
    },
    /// Intel advisories tolerated until a date.
    tolerated_advisories: Vec<ToleratedAdvisory> => |to, advisories| {
        to.appraisal.intel.tolerated_advisories = advisories
            .iter()
            .map(|one| avouch_dcap::ToleratedAdvisory { id: one.id.clone(), until: one.until })
            .collect();
    },
    /// Platforms that are accepted although no TCB level of Intel's fits them.
    platform_exceptions: Vec<PlatformException> => |to, exceptions| {
        to.appraisal.intel.platform_exceptions =
            exceptions.iter().map(|one| one.0.clone()).collect();
    },
    /// By which of Intel's TCB recoveries evidence is judged: `standard`, `early`, or a number.
    #[serde(deserialize_with = "evaluation")]
    tcb_evaluation: TcbEvaluation => |to, evaluation| to.appraisal.tcb_evaluation = *evaluation,
    /// Refuse debuggable evidence of every kind.
    refuse_debuggable: bool => |to, refuse| {
        to.appraisal.intel.refuse_debuggable = *refuse;
        to.appraisal.snp.refuse_debuggable = *refuse;
        to.appraisal.vbs.refuse_debuggable = *refuse;
    },
    /// Refuse TDs that a migration TD may move.
    refuse_migratable: bool => |to, refuse| to.appraisal.intel.refuse_migratable = *refuse,
    /// Refuse TDs to which a service TD is or may be bound.
    refuse_service_td: bool => |to, refuse| to.appraisal.intel.refuse_service_td = *refuse,
    /// Tell clients which condition of a policy refused them, with the values on both sides.
    explain_refusals: bool => |to, explain| to.explain_refusals = *explain,
    /// `snp`: reference values and floors for SEV-SNP.
    snp: avouch_snp::Acceptance => |to, snp| {
        to.appraisal.snp = snp.clone();
        // A table of reference values does not by itself allow what is refused.
        to.appraisal.snp.refuse_debuggable |= to.appraisal.intel.refuse_debuggable;
    },
    /// `vbs`: reference values and floors for enclaves that VBS protects.
    vbs: avouch_vbs::Acceptance => |to, vbs| {
        to.appraisal.vbs = vbs.clone();
        to.appraisal.vbs.refuse_debuggable |= to.appraisal.intel.refuse_debuggable;
    },
    /// Refuse attestation keys of TPMs that sign over SHA-1; on by default.
    refuse_sha1_tpm_keys: bool => |to, refuse| to.appraisal.tpm.keys.refuse_sha1 = *refuse,
    /// `files`: what is expected of files that Linux machines with a TPM run.
    files: FilesConfig => |to, files| {
        to.appraisal.tpm.expected = Arc::clone(&files.read);
        to.appraisal.tpm.require = files.require.clone();
    },
    /// `reference_values`: which confidential VMs have a compliance status.
    reference_values: ReferenceValuesConfig => |to, values| {
        to.appraisal.reference_values = Arc::clone(&values.read);
    },
    /// `uvm`: whose utility VM endorsements count, instead of Microsoft's.
    uvm: Vec<UvmTrustEntry> => |to, entries| {
        to.appraisal.uvm = UvmTrust { entries: entries.clone() };
    },
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

/// An exception for platforms of one FMSPC that no TCB level of Intel's fits.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PlatformExceptionForm")]
pub struct PlatformException(pub avouch_dcap::PlatformException);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlatformExceptionForm {
    name: String,
    fmspc: Hex<6>,
    reason: String,
    minimum_tcb: TcbFloor,
    #[serde(deserialize_with = "moment")]
    until: UnixTime,
}

impl TryFrom<PlatformExceptionForm> for PlatformException {
    type Error = PlatformExceptionError;

    fn try_from(form: PlatformExceptionForm) -> Result<Self, PlatformExceptionError> {
        let PlatformExceptionForm { name, fmspc, reason, minimum_tcb, until } = form;
        let exception = avouch_dcap::PlatformException { name, fmspc, reason, minimum_tcb, until };
        exception.check()?;
        Ok(Self(exception))
    }
}

impl AppraisalConfig {
    /// The settings of the provider of this name: the defaults, over them `[appraisal]`, over that its
    /// own table.
    #[must_use]
    pub fn settings_for(&self, provider: &str) -> ProviderSettings {
        let mut settings = ProviderSettings::default();
        self.apply(&mut settings);
        if let Some(own) = self.providers.get(&provider.to_ascii_lowercase()) {
            own.apply(&mut settings);
        }
        settings
    }

    /// Platform exceptions that hold no more at `at`, of all and of single providers.
    pub fn ended_exceptions(
        &self,
        at: UnixTime,
    ) -> impl Iterator<Item = &avouch_dcap::PlatformException> {
        let own =
            self.providers.values().filter_map(|provider| provider.platform_exceptions.as_ref());
        let all = self.platform_exceptions.iter().chain(own).flatten();
        all.map(|one| &one.0).filter(move |exception| exception.until < at)
    }

    /// What is expected of files, for all and for single providers.
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut FilesConfig> {
        let own = self.providers.values_mut().filter_map(|provider| provider.files.as_mut());
        self.files.iter_mut().chain(own)
    }

    /// Files of reference values, for all and for single providers.
    pub(super) fn reference_values(&mut self) -> impl Iterator<Item = &mut ReferenceValuesConfig> {
        let providers = self.providers.values_mut();
        let own = providers.filter_map(|provider| provider.reference_values.as_mut());
        self.reference_values.iter_mut().chain(own)
    }

    /// Provider names as keys in lower case; names that no provider can have are refused.
    pub(super) fn check(&mut self) -> Result<(), ConfigError> {
        self.providers = by_name("appraisal.providers", std::mem::take(&mut self.providers))?;
        Ok(())
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

fn evaluation<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<TcbEvaluation>, D::Error> {
    let word = String::deserialize(deserializer)?;
    word.parse().map(Some).map_err(serde::de::Error::custom)
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnixTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    let full = if text.len() == 10 { format!("{text}T23:59:59Z") } else { text };
    UnixTime::from_rfc3339(&full).map_err(serde::de::Error::custom)
}
