//! Every released schema opens with this program, and no released migration has been edited.

use std::path::PathBuf;

use avouch_store::testing::{create_schema, migrations, run_script};
use avouch_store::{
    KeyState, PageRequest, Sequence, Store, StoreError, StoreOptions, Toggle, TrustModel,
};

use crate::support::*;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Rows as each released schema had them, by version.
fn released_rows() -> Vec<(u32, String)> {
    migrations()
        .into_iter()
        .map(|(version, ..)| {
            let file = path(&format!("tests/released/{version:04}.sql"));
            let rows = std::fs::read_to_string(&file).unwrap_or_else(|error| {
                panic!("schema {version} needs sample rows in {}: {error}", file.display())
            });
            (version, rows)
        })
        .collect()
}

async fn check_rows(store: &Store) {
    let provider = store.provider("contoso").await.unwrap().unwrap();
    assert_eq!(provider.trust_model, TrustModel::Isolated);
    assert_eq!(provider.tpm_attestation_authentication, Some(Toggle::Disabled));
    let policy = store.policy(provider.id, SGX).await.unwrap().unwrap();
    assert_eq!((policy.revision, policy.jws.as_slice()), (1, b"jws".as_slice()));
    assert_eq!((policy.token_hash, policy.text_hash), ([1; 32], [2; 32]));
    assert_eq!(policy.signer.unwrap().thumbprint, [3; 32]);
    let certificates = store.policy_certificates(provider.id).await.unwrap().certificates;
    assert_eq!(certificates[0].der, b"one");
    assert_eq!(store.keys(None).await.unwrap()[0].state, KeyState::Active);
    assert_eq!(store.audit(None, PageRequest::first()).await.unwrap().items.len(), 1);
    assert_eq!(store.changes_after(Sequence(0)).await.unwrap().len(), 1);
    // And it goes on from there.
    assert_eq!(store.sequence().await.unwrap(), Sequence(3));
    store.add_policy_certificate(provider.id, b"two", &edit(&alice())).await.unwrap();
    store.remove_policy_certificate(provider.id, b"one", &edit(&alice())).await.unwrap();
    store.delete_provider(provider.id, &edit(&alice())).await.unwrap();
    assert_eq!(store.provider_count().await.unwrap(), 0);
}

async fn migrates(version: u32, rows: &str, database: &Database) {
    create_schema(&database.location, version, at(0)).await.unwrap();
    run_script(&database.location, rows).await.unwrap();
    check_rows(&database.open().await).await;
    // A second start finds nothing to do.
    database.open().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_released_schema_opens_on_sqlite() {
    for (version, rows) in released_rows() {
        migrates(version, &rows, &Database::sqlite()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_released_schema_opens_on_postgres() {
    for (version, rows) in released_rows() {
        if let Some(database) = Database::postgres() {
            migrates(version, &rows, &database).await;
        }
    }
}

on_both_databases! {
    async fn a_newer_schema_is_refused_and_left_alone(database: &Database) {
        database.open().await.close().await;
        let newest = u32::try_from(migrations().len()).unwrap();
        let newer = format!(
            "insert into schema_migrations (version, name, sha256, applied_at) \
             values ({}, 'future', 'x', 0)",
            newest + 1
        );
        run_script(&database.location, &newer).await.unwrap();
        let refused = Store::open(&database.location, at(0)).await.unwrap_err();
        match refused {
            StoreError::SchemaTooNew { found, known } => assert_eq!((found, known), (newest + 1, newest)),
            other => panic!("{other:?}"),
        }
    }

    async fn who_only_reads_refuses_an_older_schema_and_leaves_it_alone(database: &Database) {
        let newest = u32::try_from(migrations().len()).unwrap();
        create_schema(&database.location, newest - 1, at(0)).await.unwrap();
        let reading = StoreOptions { upgrades: false, ..StoreOptions::default() };
        for _ in 0..2 {
            let refused = Store::open_with(&database.location, &reading, at(0)).await.unwrap_err();
            match refused {
                StoreError::SchemaTooOld { found, known } => assert_eq!((found, known), (newest - 1, newest)),
                other => panic!("{other:?}"),
            }
        }
        database.open().await.close().await;
        assert!(Store::open_with(&database.location, &reading, at(0)).await.is_ok());
    }

    async fn a_migration_that_is_not_ours_is_refused(database: &Database) {
        database.open().await.close().await;
        run_script(&database.location, "update schema_migrations set sha256 = 'x' where version = 1").await.unwrap();
        let refused = Store::open(&database.location, at(0)).await.unwrap_err();
        assert!(matches!(refused, StoreError::SchemaDiffers { version: 1 }), "{refused:?}");
    }
}

#[test]
fn migrations_are_numbered_without_gaps() {
    let versions: Vec<_> = migrations().into_iter().map(|(version, ..)| version).collect();
    assert_eq!(versions, (1..=u32::try_from(versions.len()).unwrap()).collect::<Vec<_>>());
}

#[test]
fn released_migrations_have_not_been_edited() {
    let pinned = std::fs::read_to_string(path("migrations/RELEASED")).unwrap();
    let pinned: Vec<Vec<&str>> = pinned
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split_whitespace().collect())
        .collect();
    let known = migrations();
    for line in &pinned {
        let version: u32 = line[0].parse().unwrap();
        let (_, name, sqlite, postgres) =
            known.iter().find(|it| it.0 == version).expect("a released migration stays");
        assert_eq!(line[1..], [*name, sqlite, postgres], "migration {version} was edited");
    }
}
