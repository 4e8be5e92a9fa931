use avouch_store::VaultReleaseOutcome::{KeyChanged, ProviderGone, TokenUsed, Written};
use avouch_store::{
    DeletedVaultKey, NewVaultKey, PageRequest, Store, StoreError, VaultKey, VaultKeyPolicy,
    VaultKeySettings, VaultKeyType, VaultRelease, VaultTokenUse, limits,
};

use crate::support::*;

fn settings() -> VaultKeySettings {
    VaultKeySettings {
        is_enabled: true,
        not_before: Some(at(5)),
        expires_at: None,
        operations: r#"["wrapKey"]"#.to_owned(),
        tags: r#"{"a":"b"}"#.to_owned(),
        release_policy: None,
    }
}

fn with_policy(envelope: &str, is_immutable: bool) -> VaultKeySettings {
    let release_policy = Some(VaultKeyPolicy { envelope: envelope.to_owned(), is_immutable });
    VaultKeySettings { release_policy, ..settings() }
}

fn version(number: u8) -> String {
    format!("{number:032x}")
}

fn key<'a>(name: &'a str, version: &'a str, settings: &'a VaultKeySettings) -> NewVaultKey<'a> {
    NewVaultKey {
        name,
        version,
        key_type: VaultKeyType::Oct,
        is_hsm: true,
        is_exportable: true,
        public_key: None,
        wrapped_material: b"wrapped secret",
        wrapping_key: "master-1",
        settings,
    }
}

async fn add(store: &Store, name: &str, number: u8) {
    let version = version(number);
    store.add_vault_key(&key(name, &version, &settings()), &edit(&alice())).await.unwrap();
}

async fn current(store: &Store, name: &str) -> Option<String> {
    store.vault_key(name, None).await.unwrap().map(|key| key.version)
}

on_both_databases! {
    async fn a_version_comes_back_as_it_was_added(database: &Database) {
        let store = database.open().await;
        let (one, settings) = (version(1), with_policy("{\"data\":\"e30\"}", true));
        let new = NewVaultKey {
            key_type: VaultKeyType::Ec,
            is_hsm: false,
            is_exportable: false,
            public_key: Some(b"public"),
            ..key("Disk-1", &one, &settings)
        };
        let actor = alice();
        let when = avouch_store::Edit::new(&actor, at(7));
        let added = store.add_vault_key(&new, &when).await.unwrap();
        assert_eq!((added.name.as_str(), added.version.as_str()), ("Disk-1", one.as_str()));
        assert_eq!((added.key_type, added.is_hsm, added.is_exportable), (VaultKeyType::Ec, false, false));
        assert_eq!(added.public_key.as_deref(), Some(b"public".as_slice()));
        assert_eq!((added.wrapped_material.as_slice(), added.wrapping_key.as_str()), (b"wrapped secret".as_slice(), "master-1"));
        assert_eq!((&added.settings, added.created_at, added.updated_at), (&settings, at(7), at(7)));
        assert_eq!(added.revision, added.made);
        // By another instance, in whatever case, with its version and as the current one.
        let other = database.open().await;
        assert_eq!(other.vault_key("disk-1", Some(&one)).await.unwrap().as_ref(), Some(&added));
        assert_eq!(other.vault_key("DISK-1", None).await.unwrap(), Some(added));
        assert_eq!(other.vault_key("disk-1", Some(&version(2))).await.unwrap(), None);
        assert_eq!(other.vault_key("disk-2", None).await.unwrap(), None);
    }

    async fn the_newest_version_is_the_current_one(database: &Database) {
        let store = database.open().await;
        for number in [9, 3, 5] {
            add(&store, "a", number).await;
        }
        add(&store, "b", 3).await;
        assert_eq!(current(&store, "a").await, Some(version(5)));
        let again = store.add_vault_key(&key("A", &version(3), &settings()), &edit(&alice())).await;
        assert!(matches!(again, Err(StoreError::AlreadyExists { .. })), "{again:?}");
        let versions = |page: avouch_store::Page<avouch_store::VaultKey>| {
            page.items.into_iter().map(|key| (key.name, key.version)).collect::<Vec<_>>()
        };
        let of_a = store.vault_key_versions("A", PageRequest::first()).await.unwrap();
        let expected = [9, 3, 5].map(|number| ("a".to_owned(), version(number)));
        assert_eq!(versions(of_a), expected);
        let all = store.vault_keys(PageRequest::first()).await.unwrap();
        assert_eq!(versions(all), [("a".to_owned(), version(5)), ("b".to_owned(), version(3))]);
        let first = PageRequest { after: 0, rows: 1 };
        let page = store.vault_keys(first).await.unwrap();
        let next = page.next_request(first).unwrap();
        assert_eq!(versions(store.vault_keys(next).await.unwrap()), [("b".to_owned(), version(3))]);
    }

    async fn settings_change_under_the_revision_that_was_read(database: &Database) {
        let store = database.open().await;
        add(&store, "a", 1).await;
        add(&store, "a", 2).await;
        let read = store.vault_key("a", Some(&version(1))).await.unwrap().unwrap();
        let changed = VaultKeySettings {
            is_enabled: false,
            not_before: None,
            expires_at: Some(at(90)),
            operations: "[]".to_owned(),
            tags: "{}".to_owned(),
            release_policy: Some(VaultKeyPolicy { envelope: "{}".to_owned(), is_immutable: false }),
        };
        let actor = alice();
        let when = avouch_store::Edit::new(&actor, at(30));
        let written = store.change_vault_key("A", &version(1), read.revision, &changed, None, &when).await.unwrap();
        assert_eq!((&written.settings, written.updated_at, written.created_at), (&changed, at(30), read.created_at));
        assert_eq!((written.made, written.wrapped_material.clone()), (read.made, read.wrapped_material));
        let late = store.change_vault_key("a", &version(1), read.revision, &settings(), None, &when).await;
        assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
        assert_eq!(store.vault_key("a", Some(&version(1))).await.unwrap(), Some(written));
        // The other version is as it was, and still the current one.
        assert_eq!(store.vault_key("a", None).await.unwrap().unwrap().settings, settings());
        let none = store.change_vault_key("a", &version(3), 1, &changed, None, &when).await;
        assert!(matches!(none, Err(StoreError::NotFound { .. })), "{none:?}");
    }

    async fn an_immutable_policy_stays(database: &Database) {
        let store = database.open().await;
        let one = version(1);
        let fixed = with_policy("p", true);
        let added = store.add_vault_key(&key("a", &one, &fixed), &edit(&alice())).await.unwrap();
        let actor = alice();
        let change = async |settings: &VaultKeySettings| {
            let read = store.vault_key("a", None).await.unwrap().unwrap();
            store.change_vault_key("a", &one, read.revision, settings, None, &edit(&actor)).await
        };
        for other in [with_policy("q", true), with_policy("p", false), settings()] {
            let refused = change(&other).await;
            assert!(matches!(refused, Err(StoreError::Invalid { field: "release policy", .. })), "{refused:?}");
        }
        assert_eq!(store.vault_key("a", None).await.unwrap(), Some(added));
        let disabled = VaultKeySettings { is_enabled: false, ..with_policy("p", true) };
        assert_eq!(change(&disabled).await.unwrap().settings, disabled);
        // One that is not immutable changes, and may become so.
        let two = version(2);
        store.add_vault_key(&key("b", &two, &with_policy("p", false)), &edit(&actor)).await.unwrap();
        let read = store.vault_key("b", None).await.unwrap().unwrap();
        let written = store.change_vault_key("b", &two, read.revision, &with_policy("q", true), None, &edit(&actor)).await;
        assert!(written.unwrap().settings.release_policy.unwrap().is_immutable);
    }

    async fn a_deleted_name_is_gone_until_it_is_recovered(database: &Database) {
        let store = database.open().await;
        for (name, number) in [("Kept", 1), ("kept", 2), ("other", 1)] {
            add(&store, name, number).await;
        }
        let actor = alice();
        let when = avouch_store::Edit::new(&actor, at(40));
        let deleted = store.delete_vault_key("KEPT", at(90), &when).await.unwrap();
        let DeletedVaultKey { current: newest, deleted_at, purge_at } = &deleted;
        assert_eq!((newest.name.as_str(), newest.version.as_str()), ("Kept", version(2).as_str()));
        assert_eq!((*deleted_at, *purge_at), (at(40), at(90)));
        assert_eq!(store.deleted_vault_key("kept").await.unwrap().as_ref(), Some(&deleted));
        assert_eq!(store.deleted_vault_key("other").await.unwrap(), None);
        assert_eq!(store.deleted_vault_keys(PageRequest::first()).await.unwrap().items, [deleted]);
        assert_eq!(current(&store, "kept").await, None);
        assert_eq!(store.vault_key("kept", Some(&version(1))).await.unwrap(), None);
        assert!(store.vault_key_versions("kept", PageRequest::first()).await.unwrap().items.is_empty());
        assert_eq!(store.vault_keys(PageRequest::first()).await.unwrap().items.len(), 1);
        let again = store.delete_vault_key("kept", at(90), &when).await;
        assert!(matches!(again, Err(StoreError::NotFound { .. })), "{again:?}");
        let change = store.change_vault_key("kept", &version(1), 1, &settings(), None, &when).await;
        assert!(matches!(change, Err(StoreError::NotFound { .. })), "{change:?}");
        let new = store.add_vault_key(&key("kept", &version(3), &settings()), &when).await;
        assert!(matches!(new, Err(StoreError::KeyState { found: "deleted", .. })), "{new:?}");

        store.recover_vault_key("kept", &when).await.unwrap();
        assert_eq!(current(&store, "kept").await, Some(version(2)));
        assert!(store.deleted_vault_keys(PageRequest::first()).await.unwrap().items.is_empty());
        let again = store.recover_vault_key("kept", &when).await;
        assert!(matches!(again, Err(StoreError::NotFound { .. })), "{again:?}");
        let past = store.delete_vault_key("kept", at(39), &when).await;
        assert!(matches!(past, Err(StoreError::Invalid { field: "purge_at", .. })), "{past:?}");
    }

    async fn a_purged_name_is_gone_for_ever_and_may_be_used_again(database: &Database) {
        let store = database.open().await;
        add(&store, "a", 1).await;
        let actor = alice();
        let when = |seconds| avouch_store::Edit::new(&actor, at(seconds));
        let early = store.purge_vault_key("a", &when(10)).await;
        assert!(matches!(early, Err(StoreError::NotFound { .. })), "{early:?}");
        store.delete_vault_key("a", at(90), &when(10)).await.unwrap();
        store.purge_vault_key("A", &when(11)).await.unwrap();
        let late = store.recover_vault_key("a", &when(12)).await;
        assert!(matches!(late, Err(StoreError::NotFound { .. })), "{late:?}");
        add(&store, "a", 1).await;
        assert_eq!(current(&store, "a").await, Some(version(1)));
    }

    async fn what_is_due_is_purged(database: &Database) {
        let store = database.open().await;
        let actor = alice();
        let when = |seconds| avouch_store::Edit::new(&actor, at(seconds));
        for (name, purge_at) in [("a", 50), ("b", 60), ("c", 70)] {
            add(&store, name, 1).await;
            store.delete_vault_key(name, at(purge_at), &when(10)).await.unwrap();
        }
        add(&store, "kept", 1).await;
        assert_eq!(store.purge_due_vault_keys(&when(49)).await.unwrap(), 0);
        assert_eq!(store.purge_due_vault_keys(&when(60)).await.unwrap(), 2);
        let left = store.deleted_vault_keys(PageRequest::first()).await.unwrap().items;
        let left: Vec<_> = left.into_iter().map(|key| key.current.name).collect();
        assert_eq!(left, ["c"]);
        assert_eq!(current(&store, "kept").await, Some(version(1)));
    }

    async fn a_key_is_wrapped_anew_under_another_master_key(database: &Database) {
        let store = database.open().await;
        add(&store, "a", 1).await;
        let (read, actor) = (store.vault_key("a", None).await.unwrap().unwrap(), alice());
        let rewrapped = store.rewrap_vault_key("a", &version(1), read.revision, (b"other", "master-2"), &edit(&actor)).await.unwrap();
        assert_eq!((rewrapped.wrapped_material.as_slice(), rewrapped.wrapping_key.as_str()), (b"other".as_slice(), "master-2"));
        assert_eq!((&rewrapped.settings, rewrapped.updated_at), (&read.settings, read.updated_at));
        let late = store.rewrap_vault_key("a", &version(1), read.revision, (b"late", "master-2"), &edit(&actor)).await;
        assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
        let empty = store.rewrap_vault_key("a", &version(1), rewrapped.revision, (b"", "master-2"), &edit(&actor)).await;
        assert!(matches!(empty, Err(StoreError::Invalid { .. })), "{empty:?}");
    }

    async fn keys_under_other_master_keys_are_listed_and_rewrapped_also_while_deleted(database: &Database) {
        let store = database.open().await;
        for (name, number) in [("a", 1), ("a", 2), ("b", 1)] {
            add(&store, name, number).await;
        }
        let actor = alice();
        store.delete_vault_key("a", at(90), &edit(&actor)).await.unwrap();
        let listed = store.vault_keys_not_under("master-2", PageRequest::first()).await.unwrap().items;
        let names: Vec<_> = listed.iter().map(|key| (key.name.as_str(), key.version.clone())).collect();
        assert_eq!(names, [("a", version(1)), ("a", version(2)), ("b", version(1))]);
        for key in &listed {
            let wrapped = (b"new".as_slice(), "master-2");
            store.rewrap_vault_key(&key.name, &key.version, key.revision, wrapped, &edit(&actor)).await.unwrap();
        }
        assert!(store.vault_keys_not_under("master-2", PageRequest::first()).await.unwrap().items.is_empty());
        assert_eq!(store.vault_keys_not_under("master-1", PageRequest::first()).await.unwrap().items.len(), 3);
    }

    async fn a_token_serves_once_and_is_forgotten_an_hour_after_nobody_would_accept_it(database: &Database) {
        let store = database.open().await;
        let actor = alice();
        add(&store, "a", 1).await;
        let key = store.vault_key("a", None).await.unwrap().unwrap();
        let when = |seconds| avouch_store::Edit::new(&actor, at(seconds));
        let token = |byte: u8, seconds| VaultTokenUse { use_hash: [byte; 32], forget_at: at(seconds) };
        let details = serde_json::json!({ "name": "a" });
        for (token, seconds, expected) in [
            (Some(token(1, 50)), 10, Written),
            (Some(token(1, 50)), 11, TokenUsed),
            (Some(token(2, 60)), 12, Written),
            (None, 13, Written),
            (None, 13, Written),
            (Some(token(1, 50)), 50, TokenUsed),
            // A release that began while the token was good may be written down later.
            (Some(token(1, 50)), 51, TokenUsed),
            (Some(token(1, 50)), 3650, TokenUsed),
            (Some(token(1, 50)), 3651, Written),
            (Some(token(2, 60)), 3651, TokenUsed),
        ] {
            let release = VaultRelease { key: &key, is_current: true, details: &details, token_use: token.as_ref(), provider: None };
            let found = store.record_vault_release(&release, &when(seconds)).await.unwrap();
            assert_eq!(found, expected, "{token:?} at {seconds}");
        }
        let trail = store.audit(None, PageRequest::first()).await.unwrap().items;
        let released = trail.iter().filter(|entry| entry.action == "vault-key-release");
        // Refused second uses leave nothing.
        assert_eq!(released.count(), 5);
    }

    async fn no_release_is_written_down_of_what_changed_or_went_meanwhile(database: &Database) {
        let store = database.open().await;
        let actor = alice();
        let provider = store.create_provider(&new_provider("contoso"), &edit(&actor)).await.unwrap();
        let details = serde_json::json!({ "name": "a" });
        let token = VaultTokenUse { use_hash: [1; 32], forget_at: at(50) };
        let record_as = async |key: &VaultKey, is_current, provider| {
            let release = VaultRelease { key, is_current, details: &details, token_use: Some(&token), provider };
            store.record_vault_release(&release, &edit(&actor)).await.unwrap()
        };
        let record = async |key: &VaultKey, provider| record_as(key, false, provider).await;
        add(&store, "a", 1).await;
        let read = async || store.vault_key("a", None).await.unwrap().unwrap();
        // Changed: what was judged is not what is there.
        let judged = read().await;
        let disabled = VaultKeySettings { is_enabled: false, ..settings() };
        store.change_vault_key("a", &judged.version, judged.revision, &disabled, None, &edit(&actor)).await.unwrap();
        assert_eq!(record(&judged, None).await, KeyChanged);
        // Another key under the same number, as after a failover to an older state.
        let judged = read().await;
        let other = VaultKey { wrapped_material: b"other".to_vec(), ..judged.clone() };
        assert_eq!(record(&other, None).await, KeyChanged);
        // A newer version changes nothing of this one, unless the current one was asked for.
        add(&store, "a", 2).await;
        assert_eq!(record_as(&judged, true, None).await, KeyChanged);
        // Deleted, and purged.
        store.delete_vault_key("a", at(1000), &edit(&actor)).await.unwrap();
        assert_eq!(record(&judged, None).await, KeyChanged);
        store.recover_vault_key("a", &edit(&actor)).await.unwrap();
        // A provider that is gone speaks for nobody, whoever takes its name.
        store.delete_provider(provider.id, &edit(&actor)).await.unwrap();
        assert_eq!(record(&judged, Some(provider.id)).await, ProviderGone);
        let other = store.create_provider(&new_provider("contoso"), &edit(&actor)).await.unwrap();
        assert_eq!(record(&judged, Some(provider.id)).await, ProviderGone);
        // None of these has used the token up, nor taken a place in the trail.
        let before = store.sequence().await.unwrap();
        assert_eq!(record(&judged, Some(other.id)).await, Written);
        assert_eq!(store.sequence().await.unwrap().0, before.0 + 1);
        assert_eq!(record(&judged, Some(other.id)).await, TokenUsed);
        let newest = read().await;
        let entry = store.audit(None, PageRequest::first()).await.unwrap().items.pop().unwrap();
        assert_eq!((entry.action.as_str(), entry.sequence.0), ("vault-key-release", before.0 + 1));
        assert_eq!((entry.actor, entry.details["name"].as_str()), (actor.clone(), Some("a")));
        store.delete_vault_key("a", at(1000), &edit(&actor)).await.unwrap();
        assert_eq!(record_as(&newest, true, None).await, KeyChanged);
        store.purge_vault_key("a", &edit(&actor)).await.unwrap();
        assert_eq!(record(&judged, None).await, KeyChanged);
        let trail = store.audit(None, PageRequest::first()).await.unwrap().items;
        assert_eq!(trail.iter().filter(|entry| entry.action == "vault-key-release").count(), 1);
    }

    async fn what_no_vault_would_keep_is_refused(database: &Database) {
        let store = database.open().await;
        let (one, own, actor) = (version(1), settings(), alice());
        let add = async |new: NewVaultKey<'_>| store.add_vault_key(&new, &edit(&actor)).await.map(drop);
        for name in ["", "a_b", "a/b", "a.b", "ä", &"a".repeat(128)] {
            let refused = add(key(name, &one, &own)).await;
            assert!(matches!(refused, Err(StoreError::InvalidName { .. })), "{name}: {refused:?}");
            let refused = store.vault_key(name, None).await;
            assert!(matches!(refused, Err(StoreError::InvalidName { .. })), "{name}: {refused:?}");
        }
        add(key(&"a".repeat(127), &one, &own)).await.unwrap();
        for wrong in ["", "1", &"g".repeat(32), &"A".repeat(32), &"0".repeat(33)] {
            let refused = add(key("a", wrong, &own)).await;
            assert!(matches!(refused, Err(StoreError::Invalid { field: "version", .. })), "{refused:?}");
        }
        let with_public = NewVaultKey { public_key: Some(b"p"), ..key("a", &one, &own) };
        let without = NewVaultKey { key_type: VaultKeyType::Rsa, ..key("a", &one, &own) };
        for new in [with_public, without] {
            let refused = add(new).await;
            assert!(matches!(refused, Err(StoreError::Invalid { field: "public key", .. })), "{refused:?}");
        }
        let long = vec![1; limits::KEY_BYTES_MAX + 1];
        let refused = add(NewVaultKey { wrapped_material: &long, ..key("a", &one, &own) }).await;
        assert!(matches!(refused, Err(StoreError::Limit { .. })), "{refused:?}");
        let large = "x".repeat(limits::VAULT_KEY_TEXT_BYTES_MAX + 1);
        for settings in [
            with_policy(&large, false),
            VaultKeySettings { tags: large.clone(), ..settings() },
            VaultKeySettings { operations: large.clone(), ..settings() },
        ] {
            let refused = add(key("a", &one, &settings)).await;
            assert!(matches!(refused, Err(StoreError::Limit { .. })), "{refused:?}");
        }
        assert_eq!(current(&store, "a").await, None);
    }

    async fn every_change_is_in_the_audit_trail_without_the_key(database: &Database) {
        let store = database.open().await;
        add(&store, "a", 1).await;
        let (read, actor) = (store.vault_key("a", None).await.unwrap().unwrap(), alice());
        store.change_vault_key("a", &version(1), read.revision, &with_policy("secret policy", false), None, &edit(&actor)).await.unwrap();
        store.delete_vault_key("a", at(1_000), &edit(&actor)).await.unwrap();
        store.recover_vault_key("a", &edit(&actor)).await.unwrap();
        store.delete_vault_key("a", at(1_000), &edit(&actor)).await.unwrap();
        store.purge_vault_key("a", &edit(&actor)).await.unwrap();
        let entries = store.audit(None, PageRequest::first()).await.unwrap().items;
        let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
        let expected = ["vault-key-add", "vault-key-change", "vault-key-delete", "vault-key-recover", "vault-key-delete", "vault-key-purge"];
        assert!(actions == expected || actions.iter().rev().eq(expected.iter()), "{actions:?}");
        let shown = format!("{entries:?} {read:?}");
        assert!(!shown.contains("wrapped secret") && !shown.contains("secret policy"), "{shown}");
    }
}
