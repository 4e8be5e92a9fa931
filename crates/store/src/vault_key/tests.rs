use super::{LIST, LIST_DELETED, LIST_VERSIONS};
use crate::driver::Value;
use crate::error::StoreError;
use crate::{Store, limits};

/// The steps in which SQLite runs a statement.
async fn plan(store: &Store, sql: &str, values: &[Value<'_>]) -> Vec<String> {
    let explain = Box::leak(format!("explain query plan {sql}").into_boxed_str());
    let rows = store.read("explain a statement", explain, values).await.unwrap();
    let step = |mut row: crate::driver::Row| {
        for number in ["id", "parent", "notused"] {
            row.int(number).unwrap();
        }
        row.text("detail").unwrap()
    };
    rows.into_iter().map(step).collect()
}

/// Whoever may read asks for pages as often as he likes: each costs what it holds, however many names and
/// versions there are.
#[tokio::test]
async fn a_page_is_read_by_an_index_and_in_its_order() {
    let store = Store::memory().await.unwrap();
    let two: [Value<'_>; 2] = [0_u64.into(), 25_u64.into()];
    let three: [Value<'_>; 3] = ["a".into(), 0_u64.into(), 25_u64.into()];
    let reads_all = |step: &String| step.starts_with("SCAN") || step.contains("B-TREE");
    for (sql, values) in [(LIST, &two[..]), (LIST_DELETED, &two), (LIST_VERSIONS, &three)] {
        let plan = plan(&store, sql, values).await;
        assert!(plan.len() == 2 && !plan.iter().any(reads_all), "{sql}: {plan:?}");
    }
    // Plans do tell.
    let sorted = plan(&store, "select version from vault_key_versions order by tags", &[]).await;
    assert!(sorted.iter().all(reads_all), "{sorted:?}");
}

#[tokio::test]
async fn there_is_room_up_to_the_limit() {
    let store = Store::memory().await.unwrap();
    for (versions, has_room) in [
        (0, true),
        (limits::VAULT_KEY_VERSIONS_MAX - 1, true),
        (limits::VAULT_KEY_VERSIONS_MAX, false),
    ] {
        let mut tx = store.inner.database.begin_write("fill").await.unwrap();
        let sql = "update store_state set value = $1 where name = 'vault_key_versions'";
        tx.execute(sql, &[versions.into()]).await.unwrap();
        tx.commit().await.unwrap();
        let room = store.check_vault_key_room().await;
        assert_eq!(
            !matches!(room, Err(StoreError::Limit { .. })),
            has_room,
            "{versions}: {room:?}"
        );
    }
}
