use CapsuleVerdict::{Permitted, Refused, Unverified};
use avouch_store::{
    CapsuleBounds, CapsuleVerdict, NewCapsule, PageRequest, Provider, Store, StoreError, limits,
};

use crate::support::*;

const ROOMY: CapsuleBounds = CapsuleBounds { number_max: 1_000, bytes_max: 1 << 20 };

fn capsule(of: &Provider, verdict: CapsuleVerdict, seconds: i64, text: &str) -> NewCapsule {
    NewCapsule { provider: of.id, verdict, at: at(seconds), capsule: text.as_bytes().to_vec() }
}

/// What is kept, oldest first.
async fn kept(store: &Store) -> Vec<(String, CapsuleVerdict, String)> {
    let page = store.capsules(PageRequest::first()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let items = page.items.into_iter();
    items.map(|it| (it.provider.to_string(), it.verdict, text(it.capsule))).collect()
}

async fn texts(store: &Store) -> Vec<String> {
    kept(store).await.into_iter().map(|(_, _, text)| text).collect()
}

on_both_databases! {
    async fn capsules_come_back_as_they_were_kept_in_order_and_in_pages(database: &Database) {
        let store = database.open().await;
        let [one, two] = [provider(&store, "one").await, provider(&store, "two").await];
        let before = store.sequence().await.unwrap();
        store.keep_capsules(&[capsule(&one, Permitted, 1, "a"), capsule(&two, Refused, 2, "b")], ROOMY).await.unwrap();
        store.keep_capsules(&[capsule(&one, Unverified, 3, "\u{e9}")], ROOMY).await.unwrap();
        let said = |name: &str, verdict, text: &str| (name.to_owned(), verdict, text.to_owned());
        assert_eq!(kept(&store).await, [
            said("one", Permitted, "a"), said("two", Refused, "b"), said("one", Unverified, "\u{e9}"),
        ]);
        let first = PageRequest { after: 0, rows: 2 };
        let page = store.capsules(first).await.unwrap();
        let rest = store.capsules(page.next_request(first).unwrap()).await.unwrap();
        assert_eq!((page.items.len(), rest.items.len(), rest.items[0].at), (2, 1, at(3)));
        // They are beside the order of all writes.
        assert_eq!(store.sequence().await.unwrap(), before);
    }

    async fn the_oldest_go_when_there_are_more_than_allowed(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "one").await;
        let bounds = CapsuleBounds { number_max: 3, bytes_max: 1 << 20 };
        for number in 0..7 {
            store.keep_capsules(&[capsule(&one, Refused, number, &number.to_string())], bounds).await.unwrap();
        }
        assert_eq!(texts(&store).await, ["4", "5", "6"]);
        // So many bytes and not one more.
        let bounds = CapsuleBounds { number_max: 1_000, bytes_max: 4 };
        store.keep_capsules(&[capsule(&one, Refused, 8, "xyz")], bounds).await.unwrap();
        assert_eq!(texts(&store).await, ["6", "xyz"]);
        store.keep_capsules(&[capsule(&one, Refused, 9, "tooLarge")], bounds).await.unwrap();
        assert_eq!(texts(&store).await, [""; 0]);
    }

    async fn each_provider_and_verdict_has_its_own_room(database: &Database) {
        let store = database.open().await;
        let [one, two] = [provider(&store, "one").await, provider(&store, "two").await];
        let bounds = CapsuleBounds { number_max: 2, bytes_max: 1 << 20 };
        let mut batch = vec![capsule(&one, Permitted, 1, "good"), capsule(&two, Unverified, 1, "other")];
        batch.extend((0..100).map(|_| capsule(&one, Unverified, 2, "noise")));
        store.keep_capsules(&batch, bounds).await.unwrap();
        assert_eq!(texts(&store).await, ["good", "other", "noise", "noise"]);
    }

    async fn old_ones_go_by_their_age_and_all_of_a_provider_with_it(database: &Database) {
        let store = database.open().await;
        let [one, two] = [provider(&store, "one").await, provider(&store, "two").await];
        let batch = [capsule(&one, Permitted, 10, "a"), capsule(&one, Permitted, 20, "b"), capsule(&two, Permitted, 30, "c")];
        store.keep_capsules(&batch, ROOMY).await.unwrap();
        store.drop_capsules_before(at(20)).await.unwrap();
        assert_eq!(texts(&store).await, ["b", "c"]);
        store.delete_provider(two.id, &edit(&alice())).await.unwrap();
        assert_eq!(texts(&store).await, ["b"]);
        // Of a provider that is gone nothing is kept, and the rest of the batch is.
        store.keep_capsules(&[capsule(&two, Permitted, 40, "d"), capsule(&one, Permitted, 40, "e")], ROOMY).await.unwrap();
        assert_eq!(texts(&store).await, ["b", "e"]);
    }

    async fn one_call_keeps_so_many_and_no_more(database: &Database) {
        let store = database.open().await;
        let one = provider(&store, "one").await;
        let many = vec![capsule(&one, Permitted, 1, "x"); limits::CAPSULE_BATCH_MAX + 1];
        let refused = store.keep_capsules(&many, ROOMY).await;
        assert!(matches!(refused, Err(StoreError::Limit { .. })), "{refused:?}");
        assert!(kept(&store).await.is_empty());
        store.keep_capsules(&[], ROOMY).await.unwrap();
    }
}
