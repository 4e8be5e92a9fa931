use std::time::{Duration, Instant};

use avouch_store::testing::run_script;
use avouch_store::{
    ChangeKind, KeyPurpose, KeyScope, NewKey, PolicyReset, ProviderPatch, Subscription,
};

use crate::support::*;

async fn next(changes: &mut Subscription, within: Duration) -> avouch_store::Change {
    tokio::time::timeout(within, changes.next()).await.expect("a change in time").unwrap()
}

on_both_databases! {
    async fn tells_every_change_in_order(database: &Database) {
        let store = database.open().await;
        let mut changes = store.subscribe().await.unwrap();
        let contoso = isolated(&store, "Contoso", &[b"one"]).await;
        let aad = provider(&store, "aad").await;
        set(&store, &aad, "x").await.unwrap();
        let reset = PolicyReset { jws: b"..", signer: None };
        store.reset_policy(aad.id, SGX, &reset, &edit(&alice())).await.unwrap();
        store.add_policy_certificate(contoso.id, b"two", &edit(&alice())).await.unwrap();
        // Changes nothing, tells nothing.
        store.add_policy_certificate(contoso.id, b"two", &edit(&alice())).await.unwrap();
        store.reset_policy(aad.id, SGX, &reset, &edit(&alice())).await.unwrap();
        store.update_provider(aad.id, &ProviderPatch::default(), &edit(&alice())).await.unwrap();
        let key = NewKey {
            kid: "k", scope: KeyScope { purpose: KeyPurpose::Token, provider: None, algorithm: "RS256" },
            public_key: b"", wrapped_private_key: b"", wrapping_key: "m", not_before: at(0),
        };
        store.publish_key(&key, &edit(&alice())).await.unwrap();
        store.delete_provider(contoso.id, &edit(&alice())).await.unwrap();

        let wanted = [
            (Some("Contoso"), ChangeKind::ProviderCreated),
            (Some("aad"), ChangeKind::ProviderCreated),
            (Some("aad"), ChangeKind::Policy(SGX)),
            (Some("aad"), ChangeKind::Policy(SGX)),
            (Some("Contoso"), ChangeKind::PolicyCertificates),
            (Some("aad"), ChangeKind::ProviderUpdated),
            (None, ChangeKind::Keys),
            (Some("Contoso"), ChangeKind::ProviderDeleted),
        ];
        let mut before = 0;
        for (name, kind) in wanted {
            let change = next(&mut changes, SOON).await;
            let told = change.provider.as_ref().map(|(_, name)| name.as_str());
            assert_eq!((told, change.kind), (name, kind));
            assert!(change.sequence.0 > before);
            before = change.sequence.0;
        }
        assert_eq!(changes.seen().0, before);
        assert!(tokio::time::timeout(Duration::from_millis(300), changes.next()).await.is_err());
    }

    async fn a_batch_holds_all_changes_known_by_then(database: &Database) {
        let store = database.open().await;
        let mut changes = store.subscribe().await.unwrap();
        let made = [provider(&store, "one").await, provider(&store, "two").await];
        let batch = tokio::time::timeout(SOON, changes.next_batch()).await.expect("a batch").unwrap();
        let sequences: Vec<_> = batch.iter().map(|change| change.sequence.0).collect();
        assert_eq!(sequences, made.map(|provider| provider.id.get()));
        assert_eq!(changes.seen().0, sequences[1]);
    }

    async fn another_instance_sees_a_change_soon(database: &Database) {
        let (here, there) = (database.open().await, database.open().await);
        let provider = provider(&here, "contoso").await;
        let mut changes = there.subscribe().await.unwrap();
        for n in 0..5 {
            let policy = set(&here, &provider, &n.to_string()).await.unwrap();
            let written = Instant::now();
            let change = next(&mut changes, SOON).await;
            assert_eq!((change.sequence.0, change.kind), (policy.sequence, ChangeKind::Policy(SGX)));
            eprintln!("seen by the other instance after {:?}", written.elapsed());
        }
    }

    async fn who_was_away_too_long_is_told_to_read_everything(database: &Database) {
        let store = database.open().await;
        let first = provider(&store, "first").await;
        let mut changes = store.subscribe_after(avouch_store::Sequence(0));
        let second = provider(&store, "second").await;
        // What pruning does after a hundred thousand changes.
        let prune = format!(
            "delete from changes where sequence <= {0}; \
             update store_state set value = {0} where name = 'changes_pruned_through'",
            first.id
        );
        run_script(&database.location, &prune).await.unwrap();
        let missed = next(&mut changes, SOON).await;
        assert_eq!((missed.kind, missed.sequence.0), (ChangeKind::Missed, first.id.get()));
        let change = next(&mut changes, SOON).await;
        assert_eq!((change.kind, change.sequence.0), (ChangeKind::ProviderCreated, second.id.get()));
        // Who had seen that far missed nothing.
        let rest = store.changes_after(avouch_store::Sequence(first.id.get())).await.unwrap();
        assert_eq!(rest, [change]);
    }

    async fn a_change_of_a_newer_program_is_told_as_other(database: &Database) {
        let store = database.open().await;
        let mut changes = store.subscribe().await.unwrap();
        run_script(
            &database.location,
            "update store_state set value = 5 where name = 'sequence'; \
             insert into changes (sequence, kind) values (5, 'brand-new')",
        )
        .await
        .unwrap();
        assert_eq!(next(&mut changes, SOON).await.kind, ChangeKind::Other);
    }

    async fn a_subscription_ends_with_the_store(database: &Database) {
        let store = database.open().await;
        let mut changes = store.subscribe().await.unwrap();
        provider(&store, "contoso").await;
        store.close().await;
        let ended = tokio::time::timeout(SOON, changes.next()).await.expect("an answer");
        assert!(ended.unwrap_err().is_unavailable());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn polling_finds_changes_when_postgres_does_not_notify() {
    let Some(database) = Database::postgres() else { return };
    let (here, there) = (database.open().await, database.open().await);
    let mut changes = there.subscribe().await.unwrap();
    // A row without a notification, as if the listening connection had been cut.
    run_script(
        &database.location,
        "update store_state set value = 7 where name = 'sequence'; \
         insert into changes (sequence, kind) values (7, 'keys')",
    )
    .await
    .unwrap();
    assert_eq!(next(&mut changes, SOON).await.kind, ChangeKind::Keys);
    drop(here);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_goes_on_after_postgres_cut_every_connection() {
    let Some(database) = Database::postgres() else { return };
    let (here, there) = (database.open().await, database.open().await);
    let provider = provider(&here, "contoso").await;
    let mut changes = there.subscribe().await.unwrap();
    let name = database.postgres_name();
    let cut = format!(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '{name}'"
    );
    let ended: u32 = server().unwrap().sql(&cut).unwrap().parse().unwrap();
    assert!(ended >= 4, "two pools and two listeners, found {ended}");
    let policy = loop {
        // The first calls may meet dead connections; the pool replaces them.
        match set(&here, &provider, "after").await {
            Ok(policy) => break policy,
            Err(error) => assert!(error.is_unavailable(), "{error:?}"),
        }
    };
    let change = loop {
        match tokio::time::timeout(SOON, changes.next()).await.expect("a change") {
            Ok(change) => break change,
            Err(error) => assert!(error.is_unavailable(), "{error:?}"),
        }
    };
    assert_eq!(change.sequence.0, policy.sequence);
}
