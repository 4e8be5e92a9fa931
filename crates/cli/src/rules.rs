//! The rules that evidence is judged by, from the words of a call.

use std::path::PathBuf;

use avouch_engine::{Anchors, AppraisalSettings};
use avouch_server::config::TrustRoot;
use avouch_server::{Config, ConfigError};
use avouch_store::ProviderName;
use avouch_wire::UnixTime;
use clap::Args;

use crate::failure::Failure;
use crate::setup;

/// What evidence is judged by, beside its policy and endorsements.
#[derive(Debug, Args)]
pub(crate) struct RuleArgs {
    /// Of which AMD roots there must be a CRL: required (of each), where-kept (of each, if there
    /// is one of any), optional.
    #[arg(long, value_name = "RULE", default_value_t = avouch_snp::CrlRule::WhereKept)]
    pub(crate) amd_crl: avouch_snp::CrlRule,
    /// The moment to judge at (default: now).
    #[arg(long, value_name = "RFC3339")]
    pub(crate) at: Option<UnixTime>,
    /// What is accepted of evidence that verified: a TOML file with a section `[appraisal]` as in
    /// the service's configuration (docs/configuration.md); its other sections have no effect. The
    /// options below go over it.
    #[arg(long, value_name = "FILE")]
    pub(crate) appraisal: Option<PathBuf>,
    /// Intel TCB statuses to accept, separated by commas, or `any`
    /// [default: UpToDate,SWHardeningNeeded].
    #[arg(long, value_name = "LIST")]
    pub(crate) accept_tcb_status: Option<avouch_dcap::AcceptedTcbStatuses>,
    /// Refuse debuggable enclaves, trust domains and guests.
    #[arg(long)]
    pub(crate) refuse_debuggable: bool,
    /// Refuse trust domains and guests that may be migrated.
    #[arg(long)]
    pub(crate) refuse_migratable: bool,
    /// Root certificates to trust besides the vendors' own, PEM, as intel=FILE or amd=FILE; a file
    /// alone where the roots are named like a vendor's. May be repeated.
    #[arg(long, value_name = "[VENDOR=]FILE")]
    pub(crate) trust_root: Vec<TrustRoot>,
}

impl RuleArgs {
    /// The moment to judge at.
    pub(crate) fn at(&self) -> UnixTime {
        self.at.unwrap_or_else(setup::present)
    }

    /// The settings of file and options, and all roots that are trusted.
    pub(crate) fn settings(&self) -> Result<(AppraisalSettings, Anchors), Failure> {
        let (mut settings, mut trust_roots) = match &self.appraisal {
            None => (AppraisalSettings::default(), Vec::new()),
            Some(file) => {
                // Without the environment: a verdict rests on what was given for it, and nothing else.
                let config =
                    Config::load(Some(file), std::iter::empty()).map_err(|error| match error {
                        ConfigError::Read { .. } | ConfigError::Syntax { .. } => {
                            Failure::other(error)
                        }
                        _ => Failure::Other(format!("{}: {error}", file.display())),
                    })?;
                let section = config.appraisal;
                (section.settings_for(ProviderName::DEFAULT).appraisal, section.trust_roots.0)
            }
        };
        if let Some(statuses) = &self.accept_tcb_status {
            settings.intel.tcb_statuses = statuses.clone();
        }
        settings.intel.refuse_debuggable |= self.refuse_debuggable;
        settings.snp.refuse_debuggable |= self.refuse_debuggable;
        settings.intel.refuse_migratable |= self.refuse_migratable;
        settings.snp.refuse_migratable |= self.refuse_migratable;
        trust_roots.extend(self.trust_root.iter().cloned());
        Ok((settings, setup::anchors(&trust_roots)?))
    }
}
