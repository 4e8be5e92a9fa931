//! What several commands need: the time, logging, trust roots, endorsements.

use std::path::PathBuf;
use std::sync::Arc;

use avouch_endorsements::{EndorsementSet, LoadError};
use avouch_engine::{Anchors, EndorsementSource as _};
use avouch_server::config::EndorsementsConfig;
use avouch_snp::CrlRule;
use avouch_wire::UnixTime;
use tracing_subscriber::EnvFilter;

use crate::commands::Command;
use crate::failure::{Failure, read};

/// The present time: the only place in the command where the clock is read for judging.
pub(crate) fn present() -> UnixTime {
    avouch_server::Clock::system().now()
}

/// Sends logs to standard error: the service's at `info`, the other commands' at `warn`.
///
/// `AVOUCH_LOG` sets another filter; `AVOUCH_LOG_FORMAT=json` one JSON object a line.
pub(crate) fn start_logging(command: &Command) {
    let level = if matches!(command, Command::Serve(_)) { "info" } else { "warn" };
    let filter = EnvFilter::try_from_env("AVOUCH_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::env::var("AVOUCH_LOG_FORMAT").is_ok_and(|format| format == "json") {
        builder.json().init();
    } else {
        builder.with_target(false).init();
    }
}

/// The built-in roots, and those in the given PEM files.
pub(crate) fn anchors(trust_roots: &[PathBuf]) -> Result<Anchors, Failure> {
    let mut anchors = Anchors::built_in();
    for path in trust_roots {
        let pem = read(path)?;
        anchors = anchors
            .with_pem(&pem)
            .map_err(|error| Failure::Other(format!("{}: {error}", path.display())))?;
    }
    Ok(anchors)
}

/// The endorsements in files and folders, by the rules of the configuration.
///
/// Whatever weakens the check of revocation is logged: damaged files that were left out, and that
/// there is no CRL of AMD's where one might be expected.
pub(crate) fn endorsements(config: &EndorsementsConfig) -> Result<Arc<EndorsementSet>, LoadError> {
    let set = if config.skip_damaged {
        EndorsementSet::load_skipping_damaged(&config.paths)?
    } else {
        EndorsementSet::load(&config.paths)?
    };
    for error in set.skipped() {
        tracing::warn!("endorsements left out, revocation may be unchecked: {error}");
    }
    Ok(Arc::new(set.with_amd_crl_rule(config.amd_crl)))
}

/// Says which revocation a service will not see.
pub(crate) fn warn_of_missing_crls(set: &EndorsementSet, rule: CrlRule) {
    if !set.amd().crls.is_empty() {
        return;
    }
    match rule {
        CrlRule::Required => tracing::warn!(
            "no CRL of AMD is at hand: all SEV-SNP evidence will be refused \
             (endorsements.amd_crl is \"required\")"
        ),
        CrlRule::WhereKept | CrlRule::Optional => tracing::warn!(
            "no CRL of AMD is at hand: revoked SEV-SNP intermediates are not refused \
             (see endorsements.amd_crl)"
        ),
    }
}

/// Completes when the process is asked to stop (Ctrl-C, or SIGTERM).
pub(crate) async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
