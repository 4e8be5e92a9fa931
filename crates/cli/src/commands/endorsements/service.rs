//! A service's configuration and its database, from outside of the service.

use std::fmt;
use std::path::Path;

use avouch_endorsements::{Bundle, EndorsementSet, Published};
use avouch_server::{Config, fetched_endorsements};
use avouch_store::{
    Actor, ActorKind, Edit, ImportedEndorsements, KeptCapsule, PageRequest, Store, StoreOptions,
};
use avouch_wire::UnixTime;

use crate::commands::serve;
use crate::failure::Failure;
use crate::setup;

/// Capsules that are read from a database at once.
const PAGE_ROWS: u32 = 100;
/// Who imports, in the audit trail.
const IMPORTER: &str = "avouch endorsements import";

/// The file, and the environment over it, as `serve` reads it.
pub(crate) fn configuration(file: &Path) -> Result<Config, Failure> {
    let environment = std::env::vars_os()
        .filter_map(|(name, word)| Some((name.into_string().ok()?, word.into_string().ok()?)));
    Config::load(Some(file), environment).map_err(Failure::other)
}

/// Where a service's database is.
#[derive(Debug)]
pub(crate) struct Database {
    location: String,
}

impl Database {
    /// That of a configuration, or the one in a data folder. It is not made here.
    pub(crate) fn of(config: Option<&Config>, data_dir: Option<&Path>) -> Result<Self, Failure> {
        let defaults = Config::default();
        let config = config.unwrap_or(&defaults);
        let data_dir = data_dir.map_or_else(|| serve::data_dir(config), Path::to_owned);
        let location = config.database_location(&data_dir).map_err(Failure::other)?;
        let database = Self { location };
        let location = &database.location;
        let path = location.strip_prefix("sqlite:").unwrap_or(location);
        if database.is_in_a_file() && !Path::new(path).is_file() {
            let text =
                format!("there is no database at {location}: the service makes it at its start");
            return Err(Failure::Other(text));
        }
        Ok(database)
    }

    fn is_in_a_file(&self) -> bool {
        !self.location.contains("://")
    }

    /// The store in it.
    pub(crate) async fn open(&self) -> Result<Store, Failure> {
        let options = StoreOptions { upgrades: false, ..StoreOptions::default() };
        let store = Store::open_with(&self.location, &options, setup::present()).await;
        store.map_err(serve::with_cause)
    }

    /// What the service fetched. Nothing of it is proven.
    pub(super) fn fetched(&self) -> Result<Vec<Published>, Failure> {
        serve::runtime()?.block_on(async {
            let store = self.open().await?;
            let found = fetched_endorsements(&store).await.map_err(serve::with_cause);
            store.close().await;
            found
        })
    }

    /// What was imported.
    pub(super) fn imported(&self) -> Result<Option<ImportedEndorsements>, Failure> {
        serve::runtime()?.block_on(async {
            let store = self.open().await?;
            let found = store.imported_endorsements().await.map_err(serve::with_cause);
            store.close().await;
            found
        })
    }

    /// What the service judges by: these files, what was imported, and what it fetched.
    pub(super) fn endorsements(&self, files: EndorsementSet) -> Result<EndorsementSet, Failure> {
        let files = match self.imported()? {
            None => files,
            Some(import) => {
                let bundle = Bundle::read(&import.bundle, "import", import.imported_at);
                let failed = |error| Failure::Other(format!("imported endorsements: {error}"));
                files.with_file(&bundle.map_err(failed)?)
            }
        };
        Ok(files.with(self.fetched()?))
    }

    /// Puts a bundle in place of the one of an earlier import.
    pub(super) fn import(
        &self,
        bundle: &[u8],
        after: u64,
        signer: Option<&str>,
        at: UnixTime,
    ) -> Result<(), Failure> {
        // Who may write to the database is not told apart: the command is the actor.
        let actor = Actor::new(ActorKind::Application, IMPORTER).map_err(serve::with_cause)?;
        serve::runtime()?.block_on(async {
            let store = self.open().await?;
            let edit = Edit::new(&actor, at);
            let done = store.import_endorsements(bundle, after, signer, &edit).await;
            store.close().await;
            done.map(|_| ()).map_err(serve::with_cause)
        })
    }

    /// Hands on each capsule that the service keeps.
    pub(super) fn each_capsule(
        &self,
        mut take: impl FnMut(KeptCapsule) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        serve::runtime()?.block_on(async {
            let store = self.open().await?;
            let mut page = Some(PageRequest { after: 0, rows: PAGE_ROWS });
            while let Some(request) = page {
                let kept = store.capsules(request).await.map_err(serve::with_cause)?;
                page = kept.next_request(request);
                kept.items.into_iter().try_for_each(&mut take)?;
            }
            store.close().await;
            Ok(())
        })
    }
}

impl fmt::Display for Database {
    /// The file; another database may have a password in its address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_in_a_file() { &self.location } else { "the database" })
    }
}
