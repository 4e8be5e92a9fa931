use avouch_store::testing::run_script;
use avouch_store::{
    Actor, ActorKind, AuditOutcome, NewAuditEntry, PageRequest, StoreError, limits,
};
use serde_json::json;

use crate::support::*;

fn entry(action: &str) -> NewAuditEntry {
    NewAuditEntry {
        at: at(5),
        actor: Actor::new(ActorKind::Key, "token file, line 3").unwrap(),
        action: action.to_owned(),
        outcome: AuditOutcome::Refused,
        provider: None,
        details: json!({ "reason": "no role" }).as_object().unwrap().clone(),
    }
}

on_both_databases! {
    async fn entries_of_the_server_stand_in_order_among_those_of_writes(database: &Database) {
        let store = database.open().await;
        let provider = provider(&store, "contoso").await;
        let mut refused = entry("policy-set");
        refused.provider = Some((provider.id, provider.name.clone()));
        let last = store.append_audit(&[refused.clone(), entry("sign-in")]).await.unwrap();
        set(&store, &provider, "x").await.unwrap();

        let all = store.audit(None, PageRequest::first()).await.unwrap().items;
        let actions: Vec<_> = all.iter().map(|it| (it.action.as_str(), it.outcome)).collect();
        assert_eq!(actions, [
            ("provider-create", AuditOutcome::Succeeded),
            ("policy-set", AuditOutcome::Refused),
            ("sign-in", AuditOutcome::Refused),
            ("policy-set", AuditOutcome::Succeeded),
        ]);
        assert_eq!(all[2].sequence, last);
        assert_eq!((all[1].at, &all[1].actor, &all[1].details), (refused.at, &refused.actor, &refused.details));
        let of_provider = store.audit(Some("CONTOSO"), PageRequest::first()).await.unwrap().items;
        assert_eq!(of_provider, [all[0].clone(), all[1].clone(), all[3].clone()]);
    }

    async fn cannot_be_changed_or_removed_even_by_other_hands(database: &Database) {
        let store = database.open().await;
        let provider = provider(&store, "contoso").await;
        set(&store, &provider, "x").await.unwrap();
        for statement in [
            "update audit set actor = 'nobody'",
            "delete from audit",
            "delete from audit where sequence = 1",
            "update policy_revisions set actor = 'nobody'",
        ] {
            let refused = run_script(&database.location, statement).await;
            assert!(matches!(refused, Err(StoreError::Database { .. })), "{statement}: {refused:?}");
        }
        assert_eq!(store.audit(None, PageRequest::first()).await.unwrap().items.len(), 2);
    }

    async fn entries_have_a_size_and_a_number(database: &Database) {
        let store = database.open().await;
        let mut large = entry("x");
        large.details.insert("y".to_owned(), json!("z".repeat(limits::AUDIT_DETAILS_BYTES_MAX)));
        let many = vec![entry("x"); limits::AUDIT_BATCH_MAX + 1];
        // One entry beyond the limit and none of the batch is kept.
        for entries in [vec![entry("x"), large], many] {
            let refused = store.append_audit(&entries).await;
            assert!(matches!(refused, Err(StoreError::Limit { .. })), "{refused:?}");
        }
        let refused = store.append_audit(&[entry("line\nbreak")]).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
        assert!(store.audit(None, PageRequest::first()).await.unwrap().items.is_empty());
    }
}

#[test]
fn actors_are_named_in_printable_text() {
    assert!(Actor::new(ActorKind::User, "x".repeat(limits::TEXT_CHARS_MAX)).is_ok());
    assert!(matches!(
        Actor::new(ActorKind::User, "x".repeat(limits::TEXT_CHARS_MAX + 1)),
        Err(StoreError::Limit { .. })
    ));
    for id in ["", "a\nb", "a\0"] {
        assert!(
            matches!(Actor::new(ActorKind::User, id), Err(StoreError::Invalid { .. })),
            "{id:?}"
        );
    }
}
