//! What every request may use.

use std::sync::Arc;

use avouch_engine::Engine;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use crate::auth::Access;
use crate::config::{RootProvider, TpmConfig};
use crate::error::Fault;
use crate::handlers::{ExchangeCounts, Refusals, TokenExchanges};
use crate::http::PrivateNetworks;
use crate::identifiers::Identifiers;
use crate::publication::PublishedDocuments;
use crate::{
    AtHand, Clock, Cloud, CollateralServer, EvidenceKeeper, Monitoring, OwnTee, Providers,
    Readiness, TpmConversations, Vault, WorkPool,
};

/// Everything that outlives a request.
pub struct AppState {
    /// Appraises evidence by the endorsements at hand.
    pub engine: Engine,
    /// They, and who fetches what is not.
    pub at_hand: Arc<AtHand>,
    /// Gives the moment of requests and appraisals.
    pub clock: Clock,
    /// All tenants, by name.
    pub providers: Providers,
    /// Who may do what.
    pub access: Access,
    /// Whose connections reach providers that are not for the public network.
    pub private_networks: PrivateNetworks,
    /// What there is at the root.
    pub root_provider: RootProvider,
    /// What Azure's tools are told.
    pub cloud: Cloud,
    /// Serves vendors' endorsements to a site, where that is switched on.
    pub collateral_server: Option<CollateralServer>,
    /// Keys that are released to attested workloads, where there are any.
    pub vault: Option<Vault>,
    /// Does what takes processor time.
    pub work: WorkPool,
    /// What the service may do at this moment.
    pub readiness: Readiness,
    /// Conversations with TPMs.
    pub tpm: TpmConversations,
    /// Keeps evidence where that was asked for.
    pub evidence: EvidenceKeeper,
    /// Watches machines where that was asked for.
    pub monitoring: Monitoring,
    /// Which providers give short tokens.
    pub token_exchange: TokenExchanges,
    /// The TEE that the service runs in, or that there is none.
    pub tee: Arc<OwnTee>,
    /// What the publisher of the service's code says, where there is anything.
    pub publication: PublishedDocuments,
    pub(crate) refusals: Refusals,
    /// How much was exchanged lately.
    pub(crate) exchanges: ExchangeCounts,
    random: SystemRandom,
    identifiers: Identifiers,
}

impl AppState {
    /// The state of a server that is about to start, with the usual private networks, and an engine
    /// that rests on these endorsements.
    #[must_use]
    pub fn new(
        engine: Engine,
        at_hand: Arc<AtHand>,
        clock: Clock,
        providers: Providers,
        access: Access,
        work: WorkPool,
    ) -> Self {
        Self {
            engine,
            at_hand,
            clock,
            providers,
            access,
            private_networks: PrivateNetworks::default(),
            root_provider: RootProvider::default(),
            cloud: Cloud::default(),
            collateral_server: None,
            vault: None,
            work,
            readiness: Readiness::default(),
            tpm: TpmConversations::of_this_instance(TpmConfig::default()),
            evidence: EvidenceKeeper::none(),
            monitoring: Monitoring::none(),
            token_exchange: TokenExchanges::default(),
            tee: Arc::new(OwnTee::none()),
            publication: PublishedDocuments::default(),
            refusals: Refusals::new(),
            exchanges: ExchangeCounts::new(),
            random: SystemRandom::new(),
            identifiers: Identifiers::default(),
        }
    }

    /// The same state with other private networks.
    #[must_use]
    pub fn with_private_networks(self, private_networks: PrivateNetworks) -> Self {
        Self { private_networks, ..self }
    }

    /// The same state with something else at the root.
    #[must_use]
    pub fn with_root_provider(self, root_provider: RootProvider) -> Self {
        Self { root_provider, ..self }
    }

    /// The same state as another cloud.
    #[must_use]
    pub fn with_cloud(self, cloud: Cloud) -> Self {
        Self { cloud, ..self }
    }

    /// The same state, conversing with TPMs so.
    #[must_use]
    pub fn with_tpm(self, tpm: TpmConversations) -> Self {
        Self { tpm, ..self }
    }

    /// The same state, watching machines.
    #[must_use]
    pub fn with_monitoring(self, monitoring: Monitoring) -> Self {
        Self { monitoring, ..self }
    }

    /// The same state, exchanging tokens.
    #[must_use]
    pub fn with_token_exchange(self, token_exchange: TokenExchanges) -> Self {
        Self { token_exchange, ..self }
    }

    /// The same state, in this TEE.
    #[must_use]
    pub fn with_tee(self, tee: Arc<OwnTee>) -> Self {
        Self { tee, ..self }
    }

    /// The same state, handing out what the publisher says.
    #[must_use]
    pub fn with_publication(self, publication: PublishedDocuments) -> Self {
        Self { publication, ..self }
    }

    /// The same, keeping evidence.
    #[must_use]
    pub fn with_evidence(self, evidence: EvidenceKeeper) -> Self {
        Self { evidence, ..self }
    }

    /// The same state with what serves vendors' endorsements to a site, if anything does.
    #[must_use]
    pub fn with_collateral_server(self, collateral_server: Option<CollateralServer>) -> Self {
        Self { collateral_server, ..self }
    }

    /// The same state with a vault, if there is one.
    #[must_use]
    pub fn with_vault(self, vault: Option<Vault>) -> Self {
        Self { vault, ..self }
    }

    /// Fresh random bytes.
    ///
    /// # Errors
    /// 500 if the system gives none.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        self.fill_random(&mut bytes)?;
        Ok(bytes)
    }

    /// Random bytes for the name of a request.
    ///
    /// # Errors
    /// As [`AppState::random`].
    pub(crate) fn identifier<const N: usize>(&self) -> Result<[u8; N], Fault> {
        self.identifiers.next(|bytes| self.fill_random(bytes))
    }

    /// Fills bytes anew.
    ///
    /// # Errors
    /// 500 if the system gives none.
    pub fn fill_random(&self, bytes: &mut [u8]) -> Result<(), Fault> {
        match self.random.fill(bytes) {
            Ok(()) => Ok(()),
            Err(_) => {
                tracing::error!("the system's random source failed");
                Err(Fault::internal())
            }
        }
    }
}
