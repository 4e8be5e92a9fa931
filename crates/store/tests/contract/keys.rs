use avouch_store::{KeyPurpose, KeyScope, KeyState, NewKey, ProviderId, StoreError, limits};

use crate::support::*;

const SHARED: KeyScope<'_> =
    KeyScope { purpose: KeyPurpose::Token, provider: None, algorithm: "RS256" };

fn key<'a>(kid: &'a str, scope: KeyScope<'a>) -> NewKey<'a> {
    NewKey {
        kid,
        scope,
        public_key: b"public",
        wrapped_private_key: b"wrapped secret",
        wrapping_key: "master-1",
        not_before: at(10),
    }
}

fn of(provider: ProviderId) -> KeyScope<'static> {
    KeyScope { provider: Some(provider), ..SHARED }
}

on_both_databases! {
    async fn a_key_goes_from_published_over_active_to_retired(database: &Database) {
        let store = database.open().await;
        let actor = alice();
        let when = |seconds| avouch_store::Edit::new(&actor, at(seconds));
        let made = store.publish_key(&key("k1", SHARED), &when(1)).await.unwrap();
        assert_eq!((made.state, made.activated_at, made.retired_at), (KeyState::Published, None, None));
        let early = store.activate_key("k1", &when(9)).await;
        assert!(matches!(early, Err(StoreError::Invalid { field: "not_before", .. })), "{early:?}");
        let active = store.activate_key("k1", &when(10)).await.unwrap();
        assert_eq!((active.state, active.activated_at), (KeyState::Active, Some(at(10))));

        store.publish_key(&key("k2", SHARED), &when(11)).await.unwrap();
        store.activate_key("k2", &when(12)).await.unwrap();
        let first = store.key("k1").await.unwrap().unwrap();
        assert_eq!((first.state, first.retired_at), (KeyState::Retired, Some(at(12))));
        let back = store.activate_key("k1", &when(13)).await;
        assert!(matches!(back, Err(StoreError::KeyState { found: "retired", .. })), "{back:?}");
        let states: Vec<_> = store.keys(None).await.unwrap().into_iter().map(|it| (it.kid, it.state)).collect();
        assert_eq!(states, [("k2".to_owned(), KeyState::Active), ("k1".to_owned(), KeyState::Retired)]);

        assert_eq!(store.delete_retired_keys(KeyPurpose::Token, at(11), &when(20)).await.unwrap(), 0);
        assert_eq!(store.delete_retired_keys(KeyPurpose::Report, at(12), &when(20)).await.unwrap(), 0);
        assert_eq!(store.delete_retired_keys(KeyPurpose::Token, at(12), &when(20)).await.unwrap(), 1);
        assert_eq!(store.key("k1").await.unwrap(), None);
        assert_eq!(store.key("k2").await.unwrap().unwrap().state, KeyState::Active);
    }

    async fn instances_that_start_at_once_share_one_key(database: &Database) {
        let stores = [database.open().await, database.open().await, database.open().await];
        let started = stores.iter().enumerate().map(|(n, store)| {
            let store = store.clone();
            tokio::spawn(async move {
                store.ensure_active_key(&key(&format!("k{n}"), SHARED), &edit(&alice())).await.unwrap()
            })
        });
        let mut keys = Vec::new();
        for task in started.collect::<Vec<_>>() {
            keys.push(task.await.unwrap());
        }
        assert!(keys.iter().all(|it| *it == keys[0]), "{keys:?}");
        assert_eq!(stores[0].keys(None).await.unwrap(), [keys[0].clone()]);
    }

    async fn scopes_have_active_keys_of_their_own(database: &Database) {
        let store = database.open().await;
        let (a, b) = (provider(&store, "tenant-a").await, provider(&store, "tenant-b").await);
        let es = KeyScope { algorithm: "ES256", ..SHARED };
        let report = KeyScope { purpose: KeyPurpose::Report, ..SHARED };
        for (kid, scope) in [("shared", SHARED), ("es", es), ("report", report), ("a", of(a.id)), ("b", of(b.id))] {
            let made = store.ensure_active_key(&key(kid, scope), &edit(&alice())).await.unwrap();
            assert_eq!((made.kid.as_str(), made.scope()), (kid, scope));
        }
        let kids = async |provider| {
            let mut kids: Vec<_> = store.keys(provider).await.unwrap().into_iter().map(|it| it.kid).collect();
            kids.sort();
            kids
        };
        assert_eq!(kids(None).await, ["es", "report", "shared"]);
        assert_eq!(kids(Some(a.id)).await, ["a", "es", "report", "shared"]);
        // A provider takes its keys with it, and only its own.
        store.delete_provider(a.id, &edit(&alice())).await.unwrap();
        assert_eq!(store.key("a").await.unwrap(), None);
        assert_eq!(kids(Some(b.id)).await, ["b", "es", "report", "shared"]);
        let gone = store.publish_key(&key("late", of(a.id)), &edit(&alice())).await;
        assert!(matches!(gone, Err(StoreError::NotFound { what: "provider", .. })), "{gone:?}");
    }

    async fn a_key_is_rewrapped_only_from_the_revision_that_was_read(database: &Database) {
        let store = database.open().await;
        let made = store.publish_key(&key("k1", SHARED), &edit(&alice())).await.unwrap();
        let rewrapped = store.rewrap_key("k1", made.revision, b"other", "master-2", &edit(&alice())).await.unwrap();
        assert_eq!((rewrapped.wrapped_private_key.as_slice(), rewrapped.wrapping_key.as_str()), (b"other".as_slice(), "master-2"));
        let again = store.rewrap_key("k1", made.revision, b"third", "master-3", &edit(&alice())).await;
        assert!(matches!(again, Err(StoreError::Conflict { what: "key", .. })), "{again:?}");
        assert_eq!(store.key("k1").await.unwrap().unwrap(), rewrapped);
    }

    async fn refuses_keys_that_exist_are_nameless_or_too_large(database: &Database) {
        let store = database.open().await;
        store.publish_key(&key("k1", SHARED), &edit(&alice())).await.unwrap();
        let twice = store.publish_key(&key("k1", SHARED), &edit(&alice())).await;
        assert!(matches!(twice, Err(StoreError::AlreadyExists { what: "key", .. })), "{twice:?}");
        let nameless = store.publish_key(&key("", SHARED), &edit(&alice())).await;
        assert!(matches!(nameless, Err(StoreError::Invalid { field: "kid", .. })), "{nameless:?}");
        let bytes = vec![0; limits::KEY_BYTES_MAX + 1];
        let large = NewKey { wrapped_private_key: &bytes, ..key("k2", SHARED) };
        let large = store.publish_key(&large, &edit(&alice())).await;
        assert!(matches!(large, Err(StoreError::Limit { .. })), "{large:?}");
        for result in [store.activate_key("none", &edit(&alice())).await, store.retire_key("none", &edit(&alice())).await] {
            assert!(matches!(result, Err(StoreError::NotFound { what: "key", .. })), "{result:?}");
        }
    }

    async fn a_key_set_has_no_more_keys_than_clients_read(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "tenant-a").await;
        for scope in [SHARED, of(one.id)] {
            let kid = |number: u64| format!("{:?}-{number}", scope.provider);
            for number in 0..limits::KEYS_SHARED_MAX {
                store.publish_key(&key(&kid(number), scope), &edit(&alice())).await.unwrap();
            }
            let many = store.publish_key(&key("one more", scope), &edit(&alice())).await;
            assert!(matches!(many, Err(StoreError::Limit { allowed: limits::KEYS_SHARED_MAX, .. })), "{many:?}");
            assert_eq!(store.key("one more").await.unwrap(), None);
            // Room comes back.
            store.retire_key(&kid(7), &edit(&alice())).await.unwrap();
            store.delete_key(&kid(7), &edit(&alice())).await.unwrap();
            store.publish_key(&key(&kid(7), scope), &edit(&alice())).await.unwrap();
        }
    }

    async fn a_change_under_the_sequence_of_a_lost_one_is_another_version(_database: &Database) {
        // One database after a failover that lost the last change, and the one before.
        let [one, other] = [Database::sqlite(), Database::sqlite()];
        let [lost, kept] = [one.open().await, other.open().await];
        let [lost_key, kept_key] = [key("k2", SHARED), key("k3", SHARED)];
        let lost_key = lost.publish_key(&lost_key, &edit(&alice())).await.unwrap();
        let kept_key = kept.publish_key(&kept_key, &edit(&alice())).await.unwrap();
        assert_eq!(lost_key.revision, kept_key.revision);
        assert_ne!(lost.keys_version().await.unwrap(), kept.keys_version().await.unwrap());
    }

    async fn a_retired_key_stays_retired_and_its_scope_without(database: &Database) {
        let store = database.open().await;
        store.ensure_active_key(&key("k1", SHARED), &edit(&alice())).await.unwrap();
        let retired = store.retire_key("k1", &edit(&alice())).await.unwrap();
        assert_eq!(retired.state, KeyState::Retired);
        assert_eq!(store.retire_key("k1", &edit(&alice())).await.unwrap(), retired);
        let next = store.ensure_active_key(&key("k2", SHARED), &edit(&alice())).await.unwrap();
        assert_eq!(next.kid, "k2");
    }

    async fn wrapped_keys_do_not_show_in_debug_output_or_audit(database: &Database) {
        let store = database.open().await;
        let made = store.publish_key(&key("k1", SHARED), &edit(&alice())).await.unwrap();
        assert!(!format!("{made:?}").contains("wrapped"));
        let trail = store.audit(None, avouch_store::PageRequest::first()).await.unwrap();
        assert_eq!(trail.items[0].action, "key-publish");
        assert!(!format!("{trail:?}").contains("secret"));
    }

    async fn of_instances_that_publish_at_once_no_more_do_than_are_wanted(database: &Database) {
        let stores = [database.open().await, database.open().await, database.open().await];
        let started = stores.iter().enumerate().map(|(n, store)| {
            let store = store.clone();
            tokio::spawn(async move {
                store.ensure_published_key(&key(&format!("k{n}"), SHARED), 2, &edit(&alice())).await.unwrap()
            })
        });
        let mut made = 0;
        for task in started.collect::<Vec<_>>() {
            made += usize::from(task.await.unwrap().is_some());
        }
        assert_eq!(made, 2);
        assert!(stores[0].all_keys().await.unwrap().iter().all(|it| it.state == KeyState::Published));
        // Those of another scope do not count.
        let report = KeyScope { purpose: KeyPurpose::Report, ..SHARED };
        let other = stores[0].ensure_published_key(&key("r", report), 1, &edit(&alice())).await.unwrap();
        assert_eq!(other.unwrap().kid, "r");
    }

    async fn an_active_key_is_replaced_in_one_moment_and_only_the_one_that_was_meant(database: &Database) {
        let store = database.open().await;
        store.ensure_active_key(&key("k1", SHARED), &edit(&alice())).await.unwrap();
        let other = store.replace_active_key("other", &key("k2", SHARED), &edit(&alice())).await.unwrap();
        assert_eq!(other, None);
        let made = store.replace_active_key("k1", &key("k2", SHARED), &edit(&alice())).await.unwrap();
        assert_eq!(made.unwrap().state, KeyState::Active);
        assert_eq!(store.key("k1").await.unwrap().unwrap().state, KeyState::Retired);
        let late = store.replace_active_key("k1", &key("k3", SHARED), &edit(&alice())).await.unwrap();
        assert_eq!((late, store.key("k3").await.unwrap()), (None, None));
    }

    async fn only_a_retired_key_is_removed_before_its_time(database: &Database) {
        let store = database.open().await;
        store.ensure_active_key(&key("k1", SHARED), &edit(&alice())).await.unwrap();
        let active = store.delete_key("k1", &edit(&alice())).await;
        assert!(matches!(active, Err(StoreError::KeyState { expected: "retired", .. })), "{active:?}");
        store.retire_key("k1", &edit(&alice())).await.unwrap();
        store.delete_key("k1", &edit(&alice())).await.unwrap();
        assert_eq!(store.key("k1").await.unwrap(), None);
        let again = store.delete_key("k1", &edit(&alice())).await;
        assert!(matches!(again, Err(StoreError::NotFound { what: "key", .. })), "{again:?}");
    }

    async fn the_version_of_keys_tells_every_change_of_them_and_no_other(database: &Database) {
        let store = database.open().await;
        let mut before = store.keys_version().await.unwrap();
        let mut changed = async |what: &str| {
            let now = store.keys_version().await.unwrap();
            assert_ne!(std::mem::replace(&mut before, now.clone()), now, "{what}");
        };
        let a = provider(&store, "tenant-a").await;
        store.publish_key(&key("k1", SHARED), &edit(&alice())).await.unwrap();
        changed("published").await;
        store.ensure_active_key(&key("own", of(a.id)), &edit(&alice())).await.unwrap();
        changed("made").await;
        assert_eq!(store.all_keys().await.unwrap().len(), 2);
        store.retire_key("k1", &edit(&alice())).await.unwrap();
        changed("retired").await;
        let revision = store.key("k1").await.unwrap().unwrap().revision;
        store.rewrap_key("k1", revision, b"other", "master-2", &edit(&alice())).await.unwrap();
        changed("rewrapped").await;
        store.delete_key("k1", &edit(&alice())).await.unwrap();
        changed("removed").await;
        store.delete_provider(a.id, &edit(&alice())).await.unwrap();
        changed("went with its provider").await;
        provider(&store, "tenant-b").await;
        assert_eq!(store.keys_version().await.unwrap(), before);
    }
}
