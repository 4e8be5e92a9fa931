//! A database per test, of every kind.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use avouch_store::testing::PostgresServer;
use avouch_store::{
    Actor, ActorKind, Edit, NewPolicy, NewProvider, Policy, Provider, ProviderName, ResourceScope,
    Store, StoreError, StoreOptions,
};
use avouch_wire::{EvidenceKind, UnixTime};

/// An empty database that can be opened several times.
pub(crate) struct Database {
    pub(crate) location: String,
    pub(crate) is_postgres: bool,
    _directory: Option<tempfile::TempDir>,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let location = directory.path().join("avouch.db").to_str().unwrap().to_owned();
        Self { location, is_postgres: false, _directory: Some(directory) }
    }

    /// `None` when no PostgreSQL is installed (and none is required).
    pub(crate) fn postgres() -> Option<Self> {
        let location = server()?.create_database().unwrap();
        Some(Self { location, is_postgres: true, _directory: None })
    }

    /// Name of the database inside its PostgreSQL server.
    pub(crate) fn postgres_name(&self) -> &str {
        let (path, _) = self.location.split_once('?').unwrap();
        path.rsplit('/').next().unwrap()
    }

    pub(crate) async fn open(&self) -> Store {
        // Many tests run at once; few connections each are enough.
        let options = StoreOptions { connections_max: 4, ..StoreOptions::default() };
        Store::open_with(&self.location, &options, at(0)).await.unwrap()
    }
}

/// One server for all tests of a program; it ends with the program.
pub(crate) fn server() -> Option<&'static PostgresServer> {
    static SERVER: OnceLock<Option<PostgresServer>> = OnceLock::new();
    SERVER.get_or_init(PostgresServer::start_or_skip).as_ref()
}

/// Writes each test once and runs it on both databases.
#[allow(unused_macros, reason = "each test program uses a part of this")]
macro_rules! on_both_databases {
    ($(async fn $name:ident($database:ident: &Database) $body:block)*) => {
        $(mod $name {
            #[allow(unused_imports, reason = "not every test uses every name")]
            use super::*;

            async fn check($database: &Database) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                check(&Database::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                if let Some(database) = Database::postgres() {
                    check(&database).await;
                }
            }
        })*
    };
}
#[allow(unused_imports, reason = "each test program uses a part of this")]
pub(crate) use on_both_databases;

/// Far longer than anything takes that works, also on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Waits until something holds.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < SOON, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(1_790_000_000 + seconds).unwrap()
}

pub(crate) fn alice() -> Actor {
    Actor::new(ActorKind::User, "https://issuer.example.org#alice").unwrap()
}

pub(crate) fn edit(actor: &Actor) -> Edit<'_> {
    Edit::new(actor, at(1))
}

pub(crate) fn scope() -> ResourceScope {
    ResourceScope::parse("00000000-0000-0000-0000-00000000000A", "Group").unwrap()
}

pub(crate) fn new_provider(name: &str) -> NewProvider {
    NewProvider::new(ProviderName::parse(name).unwrap(), scope(), "westus")
}

pub(crate) async fn provider(store: &Store, name: &str) -> Provider {
    store.create_provider(&new_provider(name), &edit(&alice())).await.unwrap()
}

pub(crate) async fn isolated(store: &Store, name: &str, certificates: &[&[u8]]) -> Provider {
    let mut new = new_provider(name);
    new.policy_certificates = certificates.iter().map(|der| der.to_vec()).collect();
    store.create_provider(&new, &edit(&alice())).await.unwrap()
}

pub(crate) fn unsigned(jws: &[u8]) -> NewPolicy<'_> {
    NewPolicy { jws, text_hash: [7; 32], signer: None }
}

pub(crate) const SGX: EvidenceKind = EvidenceKind::Sgx;
pub(crate) const TPM: EvidenceKind = EvidenceKind::Tpm;

pub(crate) async fn set(
    store: &Store,
    provider: &Provider,
    jws: &str,
) -> Result<Policy, StoreError> {
    store.set_policy(provider.id, SGX, &unsigned(jws.as_bytes()), &edit(&alice())).await
}
