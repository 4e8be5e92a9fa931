use avouch_store::{
    Actor, ActorKind, Edit, ImportedEndorsements, KeptEndorsement, PageRequest, StoreError, limits,
};
use avouch_wire::encode_hex;
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::support::*;

fn endorsement(name: &str, body: &[u8], seconds: i64) -> KeptEndorsement {
    KeptEndorsement {
        name: name.to_owned(),
        body: body.to_vec(),
        issuer_chain: b"chain".to_vec(),
        source: "a source".to_owned(),
        fetched_at: at(seconds),
        etag: Some("\"1\"".to_owned()),
    }
}

on_both_databases! {
    async fn endorsements_come_back_as_they_were_kept_one_for_each_name(database: &Database) {
        let store = database.open().await;
        let before = store.sequence().await.unwrap();
        assert_eq!(store.endorsements().await.unwrap(), []);
        let bare = KeptEndorsement { issuer_chain: Vec::new(), etag: None, ..endorsement("b", b"\x30\x00", 2) };
        let newer = endorsement("a", b"newer", 3);
        for one in [&endorsement("a", b"old", 1), &bare, &newer] {
            store.keep_endorsement(one).await.unwrap();
        }
        assert_eq!(store.endorsements().await.unwrap(), [newer, bare]);
        // They are beside the order of all writes.
        assert_eq!(store.sequence().await.unwrap(), before);
    }

    async fn endorsements_that_are_let_go_are_gone_and_others_stay(database: &Database) {
        let store = database.open().await;
        for name in ["a", "b", "c"] {
            store.keep_endorsement(&endorsement(name, b"body", 1)).await.unwrap();
        }
        let names = ["a", "c", "never kept"].map(str::to_owned);
        store.forget_endorsements(&names).await.unwrap();
        assert_eq!(store.endorsements().await.unwrap(), [endorsement("b", b"body", 1)]);
    }

    async fn the_newest_endorsements_come_first_and_stay_where_there_is_no_room_for_all(database: &Database) {
        let store = database.open().await;
        let [old, new, newest] = [("a", 1), ("c", 2), ("b", 3)].map(|(name, at)| endorsement(name, b"body", at));
        for one in [&newest, &old, &new] {
            store.keep_endorsement(one).await.unwrap();
        }
        assert_eq!(store.endorsements().await.unwrap(), [newest.clone(), new.clone(), old.clone()]);
        assert_eq!(store.endorsement("a").await.unwrap(), Some(old));
        store.trim_endorsements(3).await.unwrap();
        assert_eq!(store.endorsements().await.unwrap().len(), 3);
        store.trim_endorsements(2).await.unwrap();
        assert_eq!(store.endorsements().await.unwrap(), [newest, new]);
        assert_eq!(store.endorsement("a").await.unwrap(), None);
    }

    async fn an_import_takes_the_place_of_the_one_that_it_was_made_from_and_of_no_other(database: &Database) {
        let store = database.open().await;
        assert_eq!(store.imported_endorsements().await.unwrap(), None);
        assert_eq!(store.imported_revision().await.unwrap(), 0);
        let operator = Actor::new(ActorKind::Application, "import").unwrap();
        let edit = |seconds| Edit::new(&operator, at(seconds));
        assert_eq!(store.import_endorsements(b"one", 0, None, &edit(1)).await.unwrap(), 1);
        let by = Some("CN=operator");
        assert_eq!(store.import_endorsements(b"two", 1, by, &edit(2)).await.unwrap(), 2);
        for after in [0, 1, 3] {
            let refused = store.import_endorsements(b"late", after, None, &edit(3)).await;
            let Err(StoreError::Conflict { expected, found, .. }) = refused else { panic!("{refused:?}") };
            assert_eq!((expected, found), (after, 2));
        }
        let kept = store.imported_endorsements().await.unwrap().unwrap();
        let expected = ImportedEndorsements { revision: 2, imported_at: at(2), bundle: b"two".to_vec() };
        assert_eq!(kept, expected);
        assert_eq!(store.imported_revision().await.unwrap(), 2);
        let large = vec![0; limits::IMPORTED_BYTES_MAX + 1];
        let refused = store.import_endorsements(&large, 2, None, &edit(3)).await;
        assert!(matches!(refused, Err(StoreError::Limit { .. })), "{refused:?}");

        // Each that was made is in the audit trail, and none that was refused.
        let trail = store.audit(None, PageRequest { after: 0, rows: 100 }).await.unwrap().items;
        let seen: Vec<_> = trail
            .iter()
            .map(|entry| (entry.action.as_str(), entry.at, entry.actor.id(), &entry.provider))
            .collect();
        let import = |seconds| ("endorsements-import", at(seconds), "import", &None);
        assert_eq!(seen, [import(1), import(2)]);
        let details = |number: u64, bundle: &[u8], signer: Option<&str>| {
            let sha256 = encode_hex(digest(&SHA256, bundle).as_ref());
            json!({"revision": number, "bundleSha256": sha256, "bundleSigner": signer})
        };
        assert_eq!(Value::Object(trail[0].details.clone()), details(1, b"one", None));
        assert_eq!(Value::Object(trail[1].details.clone()), details(2, b"two", by));
    }

    async fn an_endorsement_beyond_all_size_is_refused(database: &Database) {
        let store = database.open().await;
        let large = vec![0; limits::ENDORSEMENT_BYTES_MAX];
        store.keep_endorsement(&endorsement("a", &large, 1)).await.unwrap();
        let larger = [large.as_slice(), b"x"].concat();
        let refused = store.keep_endorsement(&endorsement("a", &larger, 1)).await;
        assert!(matches!(refused, Err(StoreError::Limit { .. })), "{refused:?}");
    }
}
