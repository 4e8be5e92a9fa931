//! What SIGHUP replaces in a running service, without a request noticing: all of it or nothing.

use std::sync::Arc;

use avouch_endorsements::EndorsementSet;
use avouch_release::ReleaseSigner;
use avouch_server::auth::StaticTokens;
use avouch_server::publication::Documents;
use avouch_server::{Access, AppState, CurrentTls, Settings};
use tracing_subscriber::EnvFilter;

use super::{ServeArgs, configuration, release_signer_of, settings, tls};
use crate::failure::Failure;
use crate::logging::{self, LogControl};
use crate::setup::{self, Hangups};

/// Keys that a reload takes; all others need a restart.
const TAKEN: [&str; 7] = [
    "server.tls",
    "auth.token_file",
    "endorsements",
    "publication",
    "telemetry.log_filter",
    "vault.certificates",
    "vault.private_key",
];

/// Reloads a service.
pub(super) struct Reload {
    args: ServeArgs,
    started_with: Settings,
    state: Arc<AppState>,
    tls: Option<CurrentTls>,
    log: LogControl,
}

/// What takes the place of what is in force, all of it read and usable.
struct Replacements {
    tls: Option<Arc<rustls::ServerConfig>>,
    signer: Option<ReleaseSigner>,
    tokens: StaticTokens,
    endorsements: EndorsementSet,
    documents: Documents,
    filter: EnvFilter,
    /// Keys that have changed and are not taken.
    left: Vec<String>,
}

impl Reload {
    pub(super) const fn new(
        args: ServeArgs,
        started_with: Settings,
        state: Arc<AppState>,
        tls: Option<CurrentTls>,
        log: LogControl,
    ) -> Self {
        Self { args, started_with, state, tls, log }
    }

    /// Reloads whenever the process is asked to; never ends.
    pub(super) async fn on_each(self, mut hangups: Hangups) {
        loop {
            hangups.next().await;
            let done = self.reload().await;
            self.state.readiness.reloaded(done.is_ok());
            if let Err(error) = done {
                tracing::error!(
                    %error,
                    "the reload failed: certificates, tokens, endorsements, publication and log filter \
                     are those from before"
                );
            }
        }
    }

    async fn reload(&self) -> Result<(), Failure> {
        self.log.reopen();
        let (args, started_with) = (self.args.clone(), self.started_with.clone());
        // Files are read, and may be many.
        let read = tokio::task::spawn_blocking(move || Replacements::read(&args, &started_with));
        self.take(read.await.map_err(Failure::other)??)?;
        let store = self.state.providers.store();
        self.state.at_hand.take_import(store).await.map(|_| ()).map_err(Failure::other)
    }

    fn take(&self, new: Replacements) -> Result<(), Failure> {
        self.log.set_filter(new.filter)?;
        if let (Some(current), Some(tls)) = (&self.tls, new.tls) {
            current.store(tls);
        }
        if let (Some(vault), Some(signer)) = (&self.state.vault, new.signer) {
            vault.replace_signer(signer);
        }
        if let Access::Tokens(authenticator) = &self.state.access {
            authenticator.replace_tokens(new.tokens);
        }
        self.state.at_hand.replace_files(new.endorsements);
        self.state.publication.replace(new.documents);
        tracing::info!(
            "reloaded: TLS certificate, the vault's certificates, tokens, endorsements, publication, log \
             filter"
        );
        if !new.left.is_empty() {
            let keys = new.left.join(", ");
            tracing::warn!(keys, "changed in the configuration, and not in force until a restart");
        }
        Ok(())
    }
}

impl Replacements {
    fn read(args: &ServeArgs, started_with: &Settings) -> Result<Self, Failure> {
        let settings = settings(args)?;
        let config = configuration(args, &settings)?;
        let tokens = match &config.auth.token_file {
            Some(file) => StaticTokens::load(file).map_err(Failure::other)?,
            None => StaticTokens::default(),
        };
        let found = &config.endorsements;
        let rule = found.amd_crl_rule(args.dev);
        let endorsements = setup::endorsements(found, rule).map_err(Failure::other)?;
        if !found.is_fetching(args.dev) {
            setup::warn_of_weak_endorsements(&endorsements, rule, setup::present());
        }
        let mut left = started_with.differences(&settings);
        left.retain(|key| !is_taken(key));
        Ok(Self {
            // In development TLS is made up at each start.
            tls: if args.dev { None } else { Some(tls(&config)?) },
            signer: release_signer_of(&config)?,
            tokens,
            endorsements,
            documents: Documents::read(&config.publication).map_err(Failure::other)?,
            filter: logging::filter(&config.telemetry)?,
            left,
        })
    }
}

fn is_taken(key: &str) -> bool {
    TAKEN.iter().any(|taken| {
        key.strip_prefix(taken).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}
