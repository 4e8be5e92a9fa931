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

/// Whom to believe.
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// Of which AMD roots there must be a CRL: required (of each), where-kept (of each, if there
    /// is one of any), optional.
    #[arg(long, value_name = "RULE", default_value_t = avouch_snp::CrlRule::WhereKept)]
    pub(crate) amd_crl: avouch_snp::CrlRule,
    /// Root certificates to trust besides the vendors' own, PEM or DER, as intel=FILE, amd=FILE,
    /// tpm=FILE or windows=FILE; a file alone where the roots are named like a vendor's. May be repeated.
    #[arg(long, value_name = "[VENDOR=]FILE")]
    pub(crate) trust_root: Vec<TrustRoot>,
}

/// What is accepted of evidence that verified, and when.
#[derive(Debug, Args)]
pub(crate) struct AcceptanceArgs {
    /// The moment to judge at (default: now).
    #[arg(long, value_name = "RFC3339")]
    pub(crate) at: Option<UnixTime>,
    /// What is accepted of evidence that verified: a TOML file with a section `[appraisal]` as in
    /// the service's configuration (docs/configuration.md); its other sections have no effect. The
    /// options below go over it.
    #[arg(long, value_name = "FILE")]
    appraisal: Option<PathBuf>,
    /// Intel TCB statuses to accept, separated by commas, or `any`
    /// [default: UpToDate,SWHardeningNeeded].
    #[arg(long, value_name = "LIST")]
    accept_tcb_status: Option<avouch_dcap::AcceptedTcbStatuses>,
    /// Refuse debuggable enclaves, trust domains and guests.
    #[arg(long)]
    refuse_debuggable: bool,
    /// Refuse trust domains and guests that may be migrated.
    #[arg(long)]
    refuse_migratable: bool,
}

/// Both.
#[derive(Debug, Args)]
pub(crate) struct RuleArgs {
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) acceptance: AcceptanceArgs,
}

impl TrustArgs {
    /// The vendors' roots, those of the options, and `more`.
    pub(crate) fn anchors(&self, mut more: Vec<TrustRoot>) -> Result<Anchors, Failure> {
        more.extend(self.trust_root.iter().cloned());
        setup::anchors(&more)
    }
}

impl AcceptanceArgs {
    /// The moment to judge at.
    pub(crate) fn at(&self) -> UnixTime {
        self.at.unwrap_or_else(setup::present)
    }

    /// Whether anything says what is accepted.
    pub(crate) const fn names_settings(&self) -> bool {
        self.appraisal.is_some()
            || self.accept_tcb_status.is_some()
            || self.refuse_debuggable
            || self.refuse_migratable
    }

    /// The settings of file and options, and the roots that the file trusts.
    pub(crate) fn settings(&self) -> Result<(AppraisalSettings, Vec<TrustRoot>), Failure> {
        let (mut settings, trust_roots) = match &self.appraisal {
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
        settings.vbs.refuse_debuggable |= self.refuse_debuggable;
        settings.intel.refuse_migratable |= self.refuse_migratable;
        settings.snp.refuse_migratable |= self.refuse_migratable;
        Ok((settings, trust_roots))
    }
}
