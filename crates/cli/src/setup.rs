//! What several commands need: the time, trust roots, endorsements.

use avouch_endorsements::{EndorsementSet, LoadError};
use avouch_engine::Anchors;
use avouch_server::config::{EndorsementsConfig, TrustRoot};
use avouch_snp::CrlRule;
use avouch_wire::{EvidenceKind, UnixTime};
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::{Failure, read};

/// What the argument for a kind of evidence may be, for help.
pub(crate) fn kinds() -> String {
    format!("Kind of evidence: {}", EvidenceKind::appraised_names())
}

/// The same, where it need not be given.
pub(crate) fn kinds_recognised() -> String {
    format!("{} [default: as it looks]", kinds())
}

/// The present time: the only place in the command where the clock is read for judging.
pub(crate) fn present() -> UnixTime {
    avouch_server::Clock::system().now()
}

/// The built-in roots, and those in the given PEM files.
pub(crate) fn anchors(trust_roots: &[TrustRoot]) -> Result<Anchors, Failure> {
    let mut anchors = Anchors::built_in();
    for TrustRoot { vendor, file } in trust_roots {
        anchors = anchors
            .with_roots(*vendor, &read(file)?)
            .map_err(|error| Failure::Other(format!("{}: {error}", file.display())))?;
    }
    Ok(anchors)
}

/// The endorsements in files and folders, by the rules of the configuration.
///
/// Whatever weakens the check of revocation is logged: damaged files that were left out, and that
/// there is no CRL of AMD's where one might be expected.
pub(crate) fn endorsements(
    config: &EndorsementsConfig,
    rule: CrlRule,
) -> Result<EndorsementSet, LoadError> {
    let set = if config.skip_damaged {
        EndorsementSet::load_skipping_damaged(&config.paths)?
    } else {
        EndorsementSet::load(&config.paths)?
    };
    for error in set.skipped() {
        tracing::warn!("endorsements left out, revocation may be unchecked: {error}");
    }
    for note in set.ignored() {
        tracing::warn!("endorsements: {note}");
    }
    for note in set.incomplete() {
        tracing::warn!("endorsements: {note}");
    }
    Ok(set.with_amd_crl_rule(rule))
}

/// Says what a service has at hand that is out of date, and which revocation it will not see.
pub(crate) fn warn_of_weak_endorsements(set: &EndorsementSet, rule: CrlRule, at: UnixTime) {
    for note in set.stale(at) {
        tracing::warn!("endorsements: {note}");
    }
    if set.has_amd_crls() {
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

/// Completes when the process is asked to stop (Ctrl-C, or SIGTERM) after this call.
#[cfg(unix)]
pub(crate) fn stop_signal() -> impl Future<Output = ()> {
    let [interrupt, terminate] =
        [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok());
    async {
        tokio::select! {
            () = next(interrupt) => {}
            () = next(terminate) => {}
        }
    }
}

/// Completes when the process is asked to stop (Ctrl-C).
#[cfg(not(unix))]
pub(crate) async fn stop_signal() {
    let _ = tokio::signal::ctrl_c().await;
}

#[cfg(unix)]
async fn next(signals: Option<Signal>) {
    match signals {
        Some(mut signals) => {
            signals.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// The signals that ask the process to reload (SIGHUP), after the call that made this.
pub(crate) struct Hangups {
    #[cfg(unix)]
    signals: Option<Signal>,
}

pub(crate) fn hangups() -> Hangups {
    Hangups {
        #[cfg(unix)]
        signals: signal(SignalKind::hangup()).ok(),
    }
}

impl Hangups {
    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signals) = &mut self.signals
            && signals.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}

/// Refuses `--event-log` beside evidence of a kind that takes none.
pub(crate) fn check_event_log(kind: EvidenceKind, is_given: bool) -> Result<(), Failure> {
    if !is_given || kind.takes_event_log() {
        return Ok(());
    }
    let kinds = EvidenceKind::names_where(EvidenceKind::takes_event_log);
    Err(Failure::Other(format!("--event-log goes with {kinds} alone")))
}
