//! Fetching, as the configuration has it: sources, the time, and what survives a restart.

use std::sync::Arc;
use std::time::Duration;

use avouch_endorsements::{
    Clock as KeeperClock, EndorsementName, HttpSource, Keeper, KeeperParts, Published, Running,
    Shelf, ShelfError, Source, SystemClock,
};
use avouch_engine::Anchors;
use avouch_store::limits::ENDORSEMENTS_MAX;
use avouch_store::{KeptEndorsement, Store, StoreError};
use avouch_wire::UnixTime;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use futures_util::future::BoxFuture;

use super::AtHand;
use crate::Clock;
use crate::config::{ConfigError, EndorsementsConfig};

impl AtHand {
    /// Begins to fetch what is not at hand, and to refresh what was fetched, for as long as the
    /// outcome is held. None where the configuration has nothing fetched.
    ///
    /// # Errors
    /// [`ConfigError`] for a source that cannot be used.
    pub async fn start_fetching(
        self: &Arc<Self>,
        config: &EndorsementsConfig,
        development: bool,
        anchors: Anchors,
        clock: &Clock,
        store: &Store,
    ) -> Result<Option<Running>, ConfigError> {
        let sources = config.sources(development)?;
        if sources.is_empty() {
            return Ok(None);
        }
        let sources = sources.into_iter().map(|source| {
            let source = HttpSource::new(&source).map_err(|error| ConfigError::Value {
                key: "endorsements.sources".to_owned(),
                message: error.to_string(),
            })?;
            Ok(Arc::new(source) as Arc<dyn Source>)
        });
        let at_hand = Arc::clone(self);
        let keeper = Keeper::open(KeeperParts {
            anchors: Arc::new(anchors),
            sources: sources.collect::<Result<_, ConfigError>>()?,
            settings: config.keeper(),
            clock: Arc::new(JudgingClock { clock: *clock, system: SystemClock::start() }),
            chance: Box::new(chance),
            shelf: Arc::new(StoreShelf(store.clone())),
            on_change: Box::new(move |change| at_hand.take(change)),
        })
        .await;
        let running = keeper.start();
        self.fetch_by(keeper, config.wait_max());
        Ok(Some(running))
    }
}

/// A number from 0 to 1.
fn chance() -> f64 {
    let mut bytes = [0; 4];
    // Refreshing at the same moments as others is no reason to stop.
    let _ = SystemRandom::new().fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

/// The moment at which evidence is judged, which development may pin.
struct JudgingClock {
    clock: Clock,
    system: SystemClock,
}

impl KeeperClock for JudgingClock {
    fn now(&self) -> UnixTime {
        self.clock.appraisal_time()
    }

    fn elapsed(&self) -> Duration {
        self.system.elapsed()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        self.system.sleep(time)
    }
}

/// The database keeps what was fetched.
struct StoreShelf(Store);

fn failed(error: StoreError) -> ShelfError {
    ShelfError(error.to_string())
}

impl Shelf for StoreShelf {
    fn load(&self) -> BoxFuture<'_, Result<Vec<Published>, ShelfError>> {
        Box::pin(async {
            self.0.trim_endorsements(ENDORSEMENTS_MAX).await.map_err(failed)?;
            fetched_endorsements(&self.0).await.map_err(failed)
        })
    }

    fn find<'a>(
        &'a self,
        name: &'a EndorsementName,
    ) -> BoxFuture<'a, Result<Option<Published>, ShelfError>> {
        Box::pin(async {
            let row = self.0.endorsement(&name.to_string()).await.map_err(failed)?;
            Ok(row.and_then(published))
        })
    }

    fn save<'a>(&'a self, published: &'a Published) -> BoxFuture<'a, Result<(), ShelfError>> {
        Box::pin(async {
            let row = KeptEndorsement {
                name: published.name.to_string(),
                body: published.body.to_vec(),
                issuer_chain: published.issuer_chain.to_vec(),
                source: published.source.to_string(),
                fetched_at: published.fetched_at,
                etag: published.etag.as_deref().map(str::to_owned),
            };
            self.0.keep_endorsement(&row).await.map_err(failed)
        })
    }

    fn forget<'a>(&'a self, names: &'a [EndorsementName]) -> BoxFuture<'a, Result<(), ShelfError>> {
        Box::pin(async {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            self.0.forget_endorsements(&names).await.map_err(failed)
        })
    }
}

/// What a service fetched into its database. Nothing of it is proven.
///
/// # Errors
/// [`StoreError`].
pub async fn fetched_endorsements(store: &Store) -> Result<Vec<Published>, StoreError> {
    let rows = store.endorsements().await?;
    Ok(rows.into_iter().filter_map(published).collect())
}

/// A row; none of a name that this program does not know, as a later one may have kept it.
fn published(row: KeptEndorsement) -> Option<Published> {
    Some(Published {
        name: row.name.parse().ok()?,
        body: row.body.into(),
        issuer_chain: row.issuer_chain.into(),
        source: row.source.into(),
        fetched_at: row.fetched_at,
        etag: row.etag.map(Into::into),
    })
}
