//! What several commands need: the time, logging, trust roots, endorsements.

use std::path::PathBuf;
use std::sync::Arc;

use avouch_endorsements::{EndorsementSet, LoadError};
use avouch_engine::Anchors;
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

/// The endorsements in the given files and folders.
pub(crate) fn endorsements(paths: &[PathBuf]) -> Result<Arc<EndorsementSet>, LoadError> {
    EndorsementSet::load(paths).map(Arc::new)
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
