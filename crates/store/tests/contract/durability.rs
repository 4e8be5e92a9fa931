//! Settings that durability rests on, read back from the databases themselves.

use avouch_store::testing::run_script;
use avouch_store::{Store, StoreError, StoreOptions};

use crate::support::*;

on_both_databases! {
    async fn a_reader_is_not_held_up_by_a_writer(database: &Database) {
        let store = database.open().await;
        let contoso = provider(&store, "contoso").await;
        set(&store, &contoso, "first").await.unwrap();
        let writing = tokio::spawn({
            let (store, contoso) = (store.clone(), contoso.clone());
            async move { for n in 0..30 { set(&store, &contoso, &n.to_string()).await.unwrap(); } }
        });
        for _ in 0..100 {
            assert!(store.policy(contoso.id, SGX).await.unwrap().is_some());
        }
        writing.await.unwrap();
    }

    async fn a_closed_store_is_unavailable(database: &Database) {
        let store = database.open().await;
        let contoso = provider(&store, "contoso").await;
        store.close().await;
        assert!(set(&store, &contoso, "x").await.unwrap_err().is_unavailable());
        assert!(store.ping().await.unwrap_err().is_unavailable());
    }
}

#[tokio::test]
async fn sqlite_files_are_in_wal_mode() {
    let database = Database::sqlite();
    let store = database.open().await;
    provider(&store, "contoso").await;
    // The header of a database in WAL mode says version 2 for reading and writing.
    let header = std::fs::read(&database.location).unwrap();
    assert_eq!(&header[18..20], [2, 2]);
    assert!(std::path::Path::new(&format!("{}-wal", database.location)).exists());
}

#[tokio::test]
async fn sqlite_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = Database::sqlite();
    let store = database.open().await;
    provider(&store, "contoso").await;
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", database.location);
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_writer_gives_up_on_a_database_that_stays_locked() {
    let database = Database::sqlite();
    let options = StoreOptions { wait_seconds_max: 1, ..StoreOptions::default() };
    let store = Store::open_with(&database.location, &options, at(0)).await.unwrap();
    let contoso = provider(&store, "contoso").await;
    // Another process in the middle of a write: a second connection that does not commit.
    let other = Store::open_with(&database.location, &options, at(0)).await.unwrap();
    let held = hold_write_lock(&database).await;
    let refused = set(&store, &contoso, "x").await;
    assert!(matches!(&refused, Err(error) if error.is_unavailable()), "{refused:?}");
    drop(held);
    drop(other);
    for _ in 0..50 {
        if set(&store, &contoso, "x").await.is_ok() {
            return;
        }
    }
    panic!("still locked");
}

async fn hold_write_lock(database: &Database) -> sqlx::Transaction<'static, sqlx::Sqlite> {
    let pool = sqlx::SqlitePool::connect(&database.location).await.unwrap();
    pool.begin_with("begin immediate").await.unwrap()
}

#[tokio::test]
async fn postgres_commits_are_synchronous_even_if_the_server_is_lazy() {
    let Some(database) = Database::postgres() else { return };
    let name = database.postgres_name();
    server().unwrap().sql(&format!("alter database {name} set synchronous_commit = off")).unwrap();
    let store = database.open().await;
    // What the connections of the store have set shows only inside them: a trigger tells.
    run_script(
        &database.location,
        "create table seen (setting text); \
         create function tell() returns trigger language plpgsql as $$ begin \
         insert into seen values (current_setting('synchronous_commit')); return new; end; $$; \
         create trigger tell after insert on providers for each row execute function tell();",
    )
    .await
    .unwrap();
    provider(&store, "contoso").await;
    let seen = server().unwrap().psql(name, "select setting from seen").unwrap();
    assert_eq!(seen, "on");
}

#[tokio::test]
async fn an_unreachable_database_is_unavailable_and_a_wrong_location_is_told() {
    let options = StoreOptions { wait_seconds_max: 1, ..StoreOptions::default() };
    let nowhere = "postgres://postgres:secret-word@127.0.0.1:9/none";
    let error = Store::open_with(nowhere, &options, at(0)).await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
    assert!(!format!("{error:?}").contains("secret-word"));
    let error = Store::open("mysql://localhost/x", at(0)).await.unwrap_err();
    assert!(matches!(error, StoreError::Location { .. }), "{error:?}");
    let error = Store::open("no/such/directory/avouch.db", at(0)).await.unwrap_err();
    assert!(error.is_unavailable(), "{error:?}");
}

#[tokio::test]
async fn a_store_in_memory_does_what_a_file_does() {
    let store = Store::memory().await.unwrap();
    let contoso = provider(&store, "contoso").await;
    let mut changes = store.subscribe().await.unwrap();
    let policy = set(&store, &contoso, "x").await.unwrap();
    assert_eq!(store.policy(contoso.id, SGX).await.unwrap().unwrap(), policy);
    assert_eq!(changes.next().await.unwrap().sequence.0, policy.sequence);
    // Each is its own.
    assert!(Store::memory().await.unwrap().provider("contoso").await.unwrap().is_none());
}
