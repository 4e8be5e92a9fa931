use avouch_store::{PageRequest, Sequence, Store};

use crate::support::*;

const WRITERS: usize = 8;
const WRITES: usize = 25;

async fn write(store: Store, provider: avouch_store::Provider, writer: usize) -> Vec<Vec<u8>> {
    let mut acknowledged = Vec::new();
    for n in 0..WRITES {
        let jws = format!("{writer}/{n}");
        set(&store, &provider, &jws).await.unwrap();
        acknowledged.push(jws.into_bytes());
    }
    acknowledged
}

on_both_databases! {
    async fn two_instances_with_concurrent_writers_lose_nothing(database: &Database) {
        let instances = [database.open().await, database.open().await];
        let contoso = provider(&instances[0], "contoso").await;
        let start = instances[0].sequence().await.unwrap();
        let mut changes = instances[1].subscribe_after(start);
        let tasks: Vec<_> = (0..WRITERS)
            .map(|writer| tokio::spawn(write(instances[writer % 2].clone(), contoso.clone(), writer)))
            .collect();
        let mut acknowledged = Vec::new();
        for task in tasks {
            acknowledged.extend(task.await.unwrap());
        }
        assert_eq!(acknowledged.len(), WRITERS * WRITES);

        let history = instances[1].policy_history(contoso.id, SGX, PageRequest::first()).await.unwrap().items;
        assert_eq!(history.len(), acknowledged.len());
        // Revisions without gaps, each naming the one before it, in the order of the sequence.
        for (entry, before) in history.iter().zip(history.iter().skip(1)) {
            assert_eq!(entry.revision, before.revision + 1);
            assert_eq!(entry.previous, Some((before.revision, before.token_hash)));
            assert!(entry.sequence > before.sequence);
        }
        let mut stored = Vec::new();
        for entry in &history {
            stored.push(instances[0].policy_revision_jws(contoso.id, SGX, entry.revision).await.unwrap().unwrap());
        }
        let newest = stored[0].clone();
        stored.sort();
        acknowledged.sort();
        assert_eq!(stored, acknowledged);
        assert_eq!(instances[0].policy(contoso.id, SGX).await.unwrap().unwrap().jws, newest);

        // The feed told each of them once, in order.
        let mut told = Vec::new();
        while told.len() < acknowledged.len() {
            told.push(changes.next().await.unwrap().sequence);
        }
        let sequences: Vec<_> = history.iter().rev().map(|it| Sequence(it.sequence)).collect();
        assert_eq!(told, sequences);
    }

    async fn of_many_creations_of_one_name_one_succeeds(database: &Database) {
        let instances = [database.open().await, database.open().await];
        let tasks: Vec<_> = (0..WRITERS)
            .map(|n| {
                let store = instances[n % 2].clone();
                let name = if n % 2 == 0 { "Contoso" } else { "contoso" };
                tokio::spawn(async move { store.create_provider(&new_provider(name), &edit(&alice())).await })
            })
            .collect();
        let mut made = Vec::new();
        for task in tasks {
            made.extend(task.await.unwrap().ok());
        }
        assert_eq!(made.len(), 1);
        assert_eq!(instances[0].provider_count().await.unwrap(), 1);
        assert_eq!(instances[1].provider("contoso").await.unwrap().unwrap(), made[0]);
    }

    async fn instances_that_open_a_new_database_at_once_all_succeed(database: &Database) {
        let opened = futures_of(6, || database.open()).await;
        provider(&opened[0], "contoso").await;
        for store in &opened {
            assert!(store.provider("contoso").await.unwrap().is_some());
        }
    }

    async fn a_write_that_is_dropped_half_way_blocks_nobody(database: &Database) {
        let store = database.open().await;
        let contoso = provider(&store, "contoso").await;
        for n in 0..50_u64 {
            let task = {
                let (store, contoso) = (store.clone(), contoso.clone());
                tokio::spawn(async move { set(&store, &contoso, "dropped").await })
            };
            // A client that goes away, at another moment each time.
            tokio::time::sleep(std::time::Duration::from_micros(n * 40)).await;
            task.abort();
            let _ = task.await;
        }
        let policy = set(&store, &contoso, "kept").await.unwrap();
        assert_eq!(store.policy(contoso.id, SGX).await.unwrap().unwrap(), policy);
        let history = store.policy_history(contoso.id, SGX, PageRequest::first()).await.unwrap().items;
        assert_eq!(history.len() as u64, policy.revision);
    }
}

async fn futures_of<T, F: Future<Output = T>>(count: usize, make: impl Fn() -> F) -> Vec<T> {
    let mut waiting: Vec<_> = (0..count).map(|_| Box::pin(make())).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}
