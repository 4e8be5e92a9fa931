use avouch_store::{ConnectionStatus, PrivateEndpointConnection, StoreError, limits};

use crate::support::*;

fn connection(name: &str) -> PrivateEndpointConnection {
    PrivateEndpointConnection {
        name: name.to_owned(),
        private_endpoint_id: Some("/subscriptions/s/privateEndpoints/pe".to_owned()),
        status: ConnectionStatus::Pending,
        description: None,
        actions_required: Some("None".to_owned()),
        updated_at: at(1),
    }
}

on_both_databases! {
    async fn are_put_replaced_and_removed_by_name_without_case(database: &Database) {
        let store = database.open().await;
        let (a, b) = (provider(&store, "tenant-a").await, provider(&store, "tenant-b").await);
        let actor = alice();
        let edit = edit(&actor);
        assert!(store.put_private_endpoint_connection(a.id, &connection("Pec"), &edit).await.unwrap());
        let approved = PrivateEndpointConnection { status: ConnectionStatus::Approved, ..connection("pec") };
        assert!(!store.put_private_endpoint_connection(a.id, &approved, &edit).await.unwrap());
        assert_eq!(store.private_endpoint_connections(a.id).await.unwrap(), [approved]);
        assert!(store.private_endpoint_connections(b.id).await.unwrap().is_empty());
        assert!(!store.delete_private_endpoint_connection(b.id, "pec", &edit).await.unwrap());
        assert!(store.delete_private_endpoint_connection(a.id, "PEC", &edit).await.unwrap());
        assert!(!store.delete_private_endpoint_connection(a.id, "pec", &edit).await.unwrap());
        assert!(store.private_endpoint_connections(a.id).await.unwrap().is_empty());
    }

    async fn of_a_page_of_providers_are_read_at_once_for_their_subscription(database: &Database) {
        let store = database.open().await;
        let actor = alice();
        let edit = edit(&actor);
        let mut ids = Vec::new();
        for name in ["tenant-a", "tenant-b", "tenant-c"] {
            let one = provider(&store, name).await;
            for n in 0..2 {
                let connection = connection(&format!("{name}-{n}"));
                store.put_private_endpoint_connection(one.id, &connection, &edit).await.unwrap();
            }
            ids.push(one);
        }
        let subscription = ids[0].scope.subscription().to_uppercase();
        let read = async |first: usize, last: usize, subscription: &str| {
            let range = ids[first].id..=ids[last].id;
            let found = store.private_endpoint_connections_in(subscription, range).await.unwrap();
            found.into_iter().map(|(id, one)| (id, one.name)).collect::<Vec<_>>()
        };
        let named = |index: usize, name: &str| (ids[index].id, name.to_owned());
        let wanted = [named(1, "tenant-b-0"), named(1, "tenant-b-1"), named(2, "tenant-c-0"), named(2, "tenant-c-1")];
        assert_eq!(read(1, 2, &subscription).await, wanted);
        assert_eq!(read(0, 0, &subscription).await, [named(0, "tenant-a-0"), named(0, "tenant-a-1")]);
        assert!(read(0, 2, "another").await.is_empty());
        let bad = store.private_endpoint_connections_in("a b", ids[0].id..=ids[2].id).await;
        assert!(matches!(bad, Err(StoreError::InvalidName { .. })), "{bad:?}");
    }

    async fn have_plain_names_and_a_number(database: &Database) {
        let store = database.open().await;
        let provider = provider(&store, "contoso").await;
        let actor = alice();
        let edit = edit(&actor);
        for name in ["", "..", "a/b", "a%2fb", "a b", "ä", "a\0", &"x".repeat(81)] {
            let refused = store.put_private_endpoint_connection(provider.id, &connection(name), &edit).await;
            assert!(matches!(refused, Err(StoreError::InvalidName { .. })), "{name:?}: {refused:?}");
        }
        for n in 0..limits::PRIVATE_ENDPOINT_CONNECTIONS_MAX {
            store.put_private_endpoint_connection(provider.id, &connection(&format!("pec-{n}")), &edit).await.unwrap();
        }
        let refused = store.put_private_endpoint_connection(provider.id, &connection("more"), &edit).await;
        assert!(matches!(refused, Err(StoreError::Limit { .. })), "{refused:?}");
        let replaced = store.put_private_endpoint_connection(provider.id, &connection("pec-0"), &edit).await.unwrap();
        assert!(!replaced);
    }
}
