use avouch_store::{
    Expected, NewPolicy, PageRequest, PolicyAction, PolicyReset, Provider, Signer, Store,
    StoreError, StoreOptions, limits,
};
use avouch_wire::{EvidenceKind, base64url};

use crate::support::*;

const RESET: PolicyReset<'_> = PolicyReset { jws: b"eyJhbGciOiJub25lIn0..", signer: None };

fn signer() -> Signer {
    Signer { jwk: r#"{"kty":"RSA","x5c":["AA=="]}"#.to_owned(), thumbprint: [9; 32] }
}

on_both_databases! {
    async fn gives_back_the_exact_bytes_and_their_hash(database: &Database) {
        let store = database.open().await;
        let provider = provider(&store, "contoso").await;
        // Worked example: `docs/maa/policies.md#hashes`.
        let jws = "eyJhbGciOiJub25lIn0.eyJBdHRlc3RhdGlvblBvbGljeSI6ImRtVnljMmx2YmoweExqQTdJR0YxZEdodmNtbDZZWFJwYjI1eWRXeGxjM3M5UGlCd1pYSnRhWFFvS1R0OU95QnBjM04xWVc1alpYSjFiR1Z6ZTMwNyJ9.";
        let made = set(&store, &provider, jws).await.unwrap();
        assert_eq!(base64url::encode(made.token_hash), "c6sEJQItV50OeP9IrP_bzywAMOVvj5uDPbklA_bwdYQ");
        let read = store.policy(provider.id, SGX).await.unwrap().unwrap();
        assert_eq!(read, made);
        assert_eq!(read.jws, jws.as_bytes());
        assert_eq!((read.text_hash, read.at, &read.actor), ([7; 32], at(1), &alice()));
    }

    async fn keeps_bytes_that_are_no_text(database: &Database) {
        let store = database.open().await;
        let provider = provider(&store, "contoso").await;
        let jws: Vec<u8> = (0..=255).collect();
        store.set_policy(provider.id, SGX, &unsigned(&jws), &edit(&alice())).await.unwrap();
        assert_eq!(store.policy(provider.id, SGX).await.unwrap().unwrap().jws, jws);
    }

    async fn the_default_is_in_force_until_a_policy_is_set(database: &Database) {
        let store = database.open().await;
        let provider = provider(&store, "contoso").await;
        for attestation_type in EvidenceKind::all() {
            assert_eq!(store.policy(provider.id, attestation_type).await.unwrap(), None);
        }
    }

    async fn types_have_policies_of_their_own(database: &Database) {
        let store = database.open().await;
        let provider = provider(&store, "contoso").await;
        for attestation_type in EvidenceKind::all() {
            let jws = attestation_type.policy_name().as_bytes();
            let made = store.set_policy(provider.id, attestation_type, &unsigned(jws), &edit(&alice())).await.unwrap();
            assert_eq!(made.revision, 1);
        }
        store.reset_policy(provider.id, TPM, &RESET, &edit(&alice())).await.unwrap().unwrap();
        for attestation_type in EvidenceKind::all() {
            let read = store.policy(provider.id, attestation_type).await.unwrap();
            let wanted = (attestation_type != TPM).then(|| attestation_type.policy_name().as_bytes().to_vec());
            assert_eq!(read.map(|policy| policy.jws), wanted);
        }
    }

    async fn history_tells_who_when_what_signer_and_what_before(database: &Database) {
        let store = database.open().await;
        let provider = provider(&store, "contoso").await;
        let first = set(&store, &provider, "first").await.unwrap();
        let signed = NewPolicy { jws: b"second", text_hash: [8; 32], signer: Some(signer()) };
        let second = store.set_policy(provider.id, SGX, &signed, &edit(&alice())).await.unwrap();
        let reset = store.reset_policy(provider.id, SGX, &RESET, &edit(&alice())).await.unwrap().unwrap();
        let third = set(&store, &provider, "third").await.unwrap();

        let history = store.policy_history(provider.id, SGX, PageRequest::first()).await.unwrap().items;
        let steps: Vec<_> = history.iter().map(|it| (it.revision, it.action, it.previous)).collect();
        assert_eq!(steps, [
            (4, PolicyAction::Set, None),
            (3, PolicyAction::Reset, Some((2, second.token_hash))),
            (2, PolicyAction::Set, Some((1, first.token_hash))),
            (1, PolicyAction::Set, None),
        ]);
        assert_eq!(history[1], reset);
        assert_eq!(history[1].text_hash, None);
        assert_eq!(history[2].signer, Some(signer()));
        assert_eq!(history[2].text_hash, Some([8; 32]));
        assert_eq!((history[0].at, &history[0].actor), (at(1), &alice()));
        assert!(history.windows(2).all(|pair| pair[0].sequence > pair[1].sequence));
        assert_eq!(third.revision, 4);

        let jws = async |revision| store.policy_revision_jws(provider.id, SGX, revision).await.unwrap();
        assert_eq!(jws(2).await.unwrap(), b"second");
        assert_eq!(jws(3).await.unwrap(), RESET.jws);
        assert_eq!(jws(5).await, None);

        let page = PageRequest { after: 0, rows: 3 };
        let newest = store.policy_history(provider.id, SGX, page).await.unwrap();
        let rest = store.policy_history(provider.id, SGX, newest.next_request(page).unwrap()).await.unwrap();
        assert_eq!([newest.items, rest.items].concat(), history);
    }

    async fn resetting_the_default_is_a_success_that_changes_nothing(database: &Database) {
        let store = database.open().await;
        let provider = provider(&store, "contoso").await;
        assert_eq!(store.reset_policy(provider.id, SGX, &RESET, &edit(&alice())).await.unwrap(), None);
        assert!(store.policy_history(provider.id, SGX, PageRequest::first()).await.unwrap().items.is_empty());
        let trail = store.audit(Some("contoso"), PageRequest::first()).await.unwrap().items;
        assert_eq!(trail[1].action, "policy-reset");
        assert_eq!(trail[1].details["changed"], false);
    }

    async fn of_two_writers_that_read_the_same_the_second_is_refused(database: &Database) {
        let (one, two) = (database.open().await, database.open().await);
        let provider = provider(&one, "contoso").await;
        let actor = alice();
        let from = |revision| edit(&actor).expecting(Expected { policy: Some(revision), ..Expected::default() });
        one.set_policy(provider.id, SGX, &unsigned(b"a"), &from(0)).await.unwrap();
        let refused = two.set_policy(provider.id, SGX, &unsigned(b"b"), &from(0)).await;
        assert!(matches!(refused, Err(StoreError::Conflict { what: "policy", expected: 0, found: 1 })), "{refused:?}");
        let refused = two.reset_policy(provider.id, SGX, &RESET, &from(0)).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
        two.set_policy(provider.id, SGX, &unsigned(b"c"), &from(1)).await.unwrap();
        // After a reset the default is in force again: revision 0.
        one.reset_policy(provider.id, SGX, &RESET, &from(2)).await.unwrap().unwrap();
        two.set_policy(provider.id, SGX, &unsigned(b"d"), &from(0)).await.unwrap();
        assert_eq!(one.policy(provider.id, SGX).await.unwrap().unwrap().jws, b"d");
    }

    async fn a_policy_judged_by_old_signers_is_refused(database: &Database) {
        let store = database.open().await;
        let provider = isolated(&store, "isolated", &[b"one", b"two"]).await;
        let read = store.policy_certificates(provider.id).await.unwrap();
        store.remove_policy_certificate(provider.id, b"one", &edit(&alice())).await.unwrap();
        let actor = alice();
        let expected = Expected { signers: Some(read.revision), ..Expected::default() };
        let signed = NewPolicy { jws: b"jws", text_hash: [8; 32], signer: Some(signer()) };
        let refused = store.set_policy(provider.id, SGX, &signed, &edit(&actor).expecting(expected)).await;
        assert!(matches!(refused, Err(StoreError::Conflict { what: "set of policy certificates", .. })), "{refused:?}");
        assert_eq!(store.policy(provider.id, SGX).await.unwrap(), None);
    }

    async fn an_isolated_provider_takes_no_unsigned_policy_or_reset(database: &Database) {
        let store = database.open().await;
        let provider = isolated(&store, "isolated", &[b"one"]).await;
        assert!(matches!(set(&store, &provider, "x").await, Err(StoreError::Invalid { field: "policy signer", .. })));
        let reset = store.reset_policy(provider.id, SGX, &RESET, &edit(&alice())).await;
        assert!(matches!(reset, Err(StoreError::Invalid { field: "policy signer", .. })), "{reset:?}");
        let signed = NewPolicy { jws: b"jws", text_hash: [8; 32], signer: Some(signer()) };
        store.set_policy(provider.id, SGX, &signed, &edit(&alice())).await.unwrap();
    }

    async fn takes_a_policy_of_the_largest_size_and_no_larger(database: &Database) {
        let store = database.open().await;
        let provider = provider(&store, "contoso").await;
        let largest = vec![b'a'; limits::POLICY_JWS_BYTES_MAX];
        store.set_policy(provider.id, SGX, &unsigned(&largest), &edit(&alice())).await.unwrap();
        assert_eq!(store.policy(provider.id, SGX).await.unwrap().unwrap().jws, largest);
        let larger = vec![b'a'; limits::POLICY_JWS_BYTES_MAX + 1];
        let refused = store.set_policy(provider.id, SGX, &unsigned(&larger), &edit(&alice())).await;
        assert!(matches!(refused, Err(StoreError::Limit { found, allowed, .. }) if found == allowed + 1), "{refused:?}");
    }

    async fn history_beyond_the_limit_goes_and_its_audit_stays(database: &Database) {
        let store = database.open().await;
        let provider = provider(&store, "contoso").await;
        for n in 0..limits::POLICY_REVISIONS_KEPT + 3 {
            set(&store, &provider, &n.to_string()).await.unwrap();
        }
        let jws = async |revision| store.policy_revision_jws(provider.id, SGX, revision).await.unwrap();
        assert_eq!(jws(3).await, None);
        assert_eq!(jws(4).await.unwrap(), b"3");
        assert_eq!(jws(limits::POLICY_REVISIONS_KEPT + 3).await.unwrap(), b"1002");
        let mut page = PageRequest::first();
        let mut sets = 0;
        loop {
            let entries = store.audit(Some("contoso"), page).await.unwrap();
            sets += entries.items.iter().filter(|entry| entry.action == "policy-set").count() as u64;
            let Some(next) = entries.next_request(page) else { break };
            page = next;
        }
        assert_eq!(sets, limits::POLICY_REVISIONS_KEPT + 3);
    }
}

/// What a small store keeps: three revisions of a type, and a hundred bytes of a provider.
async fn small(database: &Database) -> Store {
    let options = StoreOptions {
        connections_max: 4,
        history_revisions_max: 3,
        history_bytes_max: 100,
        ..StoreOptions::default()
    };
    Store::open_with(&database.location, &options, at(0)).await.unwrap()
}

async fn kept(store: &Store, provider: &Provider, attestation_type: EvidenceKind) -> Vec<u64> {
    let page =
        store.policy_history(provider.id, attestation_type, PageRequest::first()).await.unwrap();
    page.items.iter().map(|entry| entry.revision).collect()
}

on_both_databases! {
    async fn history_is_kept_within_a_number_of_revisions(database: &Database) {
        let store = small(database).await;
        let contoso = provider(&store, "contoso").await;
        for _ in 0..10 {
            set(&store, &contoso, "same").await.unwrap();
        }
        assert_eq!(kept(&store, &contoso, SGX).await, [10, 9, 8]);
        // All of them are in the audit trail.
        let trail = store.audit(Some("contoso"), PageRequest::first()).await.unwrap().items;
        assert_eq!(trail.iter().filter(|entry| entry.action == "policy-set").count(), 10);
    }

    async fn history_is_kept_within_a_number_of_bytes_and_never_loses_what_is_in_force(database: &Database) {
        let store = small(database).await;
        let (contoso, other) = (provider(&store, "contoso").await, provider(&store, "other").await);
        set(&store, &other, &"o".repeat(90)).await.unwrap();
        let edit_by_alice = alice();
        let new = "t".repeat(30);
        store.set_policy(contoso.id, TPM, &unsigned(new.as_bytes()), &edit(&edit_by_alice)).await.unwrap();
        for n in 1..=4_u64 {
            set(&store, &contoso, &"s".repeat(30)).await.unwrap();
            assert_eq!(kept(&store, &contoso, TPM).await, [1]);
            // The TPM policy takes 30 of the 100 bytes, two others fit.
            let wanted: Vec<u64> = (n.saturating_sub(1).max(1)..=n).rev().collect();
            assert_eq!(kept(&store, &contoso, SGX).await, wanted);
        }
        // More than all that may be kept, yet in force.
        let large = set(&store, &contoso, &"l".repeat(500)).await.unwrap();
        assert_eq!(kept(&store, &contoso, SGX).await, [5]);
        assert_eq!(store.policy(contoso.id, SGX).await.unwrap().unwrap(), large);
        assert!(store.policy(contoso.id, TPM).await.unwrap().is_some());
        // A reset is numbered on, and stays although it is over: the next is numbered after it.
        let reset = PolicyReset { jws: b"..", signer: None };
        store.reset_policy(contoso.id, SGX, &reset, &edit(&edit_by_alice)).await.unwrap();
        assert_eq!(kept(&store, &contoso, SGX).await, [6]);
        assert_eq!(set(&store, &contoso, "n").await.unwrap().revision, 7);
        // Another provider's history is its own.
        assert_eq!(kept(&store, &other, SGX).await, [1]);
    }
}
