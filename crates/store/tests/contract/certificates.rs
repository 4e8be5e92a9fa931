use avouch_store::{
    CertificateChange, Expected, NewPolicy, PolicyReset, SignedRequest, Signer, StoreError, limits,
};

use crate::support::*;

on_both_databases! {
    async fn adding_and_removing_are_idempotent(database: &Database) {
        let store = database.open().await;
        let provider = isolated(&store, "isolated", &[b"one"]).await;
        let actor = alice();
        let edit = edit(&actor);
        let revision = async || store.policy_certificates(provider.id).await.unwrap().revision;

        let CertificateChange::Changed(sequence) = store.add_policy_certificate(provider.id, b"two", &edit).await.unwrap() else {
            panic!("the first addition changes the set");
        };
        assert_eq!(revision().await, sequence.0);
        assert_eq!(store.add_policy_certificate(provider.id, b"two", &edit).await.unwrap(), CertificateChange::Unchanged);
        assert_eq!(revision().await, sequence.0);
        assert!(matches!(store.remove_policy_certificate(provider.id, b"two", &edit).await.unwrap(), CertificateChange::Changed(_)));
        let removed = revision().await;
        assert!(removed > sequence.0);
        assert_eq!(store.remove_policy_certificate(provider.id, b"two", &edit).await.unwrap(), CertificateChange::Unchanged);
        assert_eq!(revision().await, removed);
        let left = store.policy_certificates(provider.id).await.unwrap().certificates;
        assert_eq!(left.iter().map(|it| it.der.as_slice()).collect::<Vec<_>>(), [b"one"]);
        assert_eq!((left[0].added_at, &left[0].added_by), (at(1), &alice()));
    }

    async fn certificates_stay_in_the_order_of_their_addition(database: &Database) {
        let store = database.open().await;
        let provider = isolated(&store, "isolated", &[b"z", b"a"]).await;
        for der in [b"m", b"b"] {
            store.add_policy_certificate(provider.id, der, &edit(&alice())).await.unwrap();
        }
        let all = store.policy_certificates(provider.id).await.unwrap().certificates;
        assert_eq!(all.iter().map(|it| it.der.as_slice()).collect::<Vec<_>>(), [b"z", b"a", b"m", b"b"]);
    }

    async fn the_last_certificate_stays(database: &Database) {
        let store = database.open().await;
        let provider = isolated(&store, "isolated", &[b"one"]).await;
        let refused = store.remove_policy_certificate(provider.id, b"one", &edit(&alice())).await;
        assert!(matches!(refused, Err(StoreError::LastCertificate { .. })), "{refused:?}");
        // One that is not there can always be removed.
        let absent = store.remove_policy_certificate(provider.id, b"two", &edit(&alice())).await.unwrap();
        assert_eq!(absent, CertificateChange::Unchanged);
        assert_eq!(store.policy_certificates(provider.id).await.unwrap().certificates.len(), 1);
    }

    async fn of_two_removals_at_once_one_keeps_the_last_certificate(database: &Database) {
        let (one, two) = (database.open().await, database.open().await);
        for round in 0..20 {
            let provider = isolated(&one, &format!("isolated-{round}"), &[b"a", b"b"]).await;
            let actor = alice();
            let edit = edit(&actor);
            let (a, b) = tokio::join!(
                one.remove_policy_certificate(provider.id, b"a", &edit),
                two.remove_policy_certificate(provider.id, b"b", &edit),
            );
            assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(), 1, "{a:?} {b:?}");
            let refused = a.err().or(b.err());
            assert!(matches!(refused, Some(StoreError::LastCertificate { .. })), "{refused:?}");
            assert_eq!(one.policy_certificates(provider.id).await.unwrap().certificates.len(), 1);
        }
    }

    async fn aad_providers_have_no_certificates(database: &Database) {
        let store = database.open().await;
        let provider = provider(&store, "contoso").await;
        for result in [
            store.add_policy_certificate(provider.id, b"one", &edit(&alice())).await,
            store.remove_policy_certificate(provider.id, b"one", &edit(&alice())).await,
        ] {
            assert!(matches!(result, Err(StoreError::NotIsolated { .. })), "{result:?}");
        }
        assert!(store.policy_certificates(provider.id).await.unwrap().certificates.is_empty());
    }

    async fn an_addition_judged_by_old_signers_is_refused(database: &Database) {
        let store = database.open().await;
        let provider = isolated(&store, "isolated", &[b"one", b"two"]).await;
        store.remove_policy_certificate(provider.id, b"one", &edit(&alice())).await.unwrap();
        let actor = alice();
        let expected = Expected { signers: Some(provider.signers_revision), ..Expected::default() };
        let refused = store.add_policy_certificate(provider.id, b"three", &edit(&actor).expecting(expected)).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    }

    async fn certificates_have_a_number_and_a_size(database: &Database) {
        let store = database.open().await;
        let provider = isolated(&store, "isolated", &[b"one"]).await;
        for n in 1..limits::POLICY_CERTIFICATES_MAX {
            store.add_policy_certificate(provider.id, format!("c{n}").as_bytes(), &edit(&alice())).await.unwrap();
        }
        for der in [b"more".to_vec(), vec![1; limits::CERTIFICATE_BYTES_MAX + 1]] {
            let refused = store.add_policy_certificate(provider.id, &der, &edit(&alice())).await;
            assert!(matches!(refused, Err(StoreError::Limit { .. })), "{refused:?}");
        }
        let refused = store.add_policy_certificate(provider.id, b"", &edit(&alice())).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
        let all = store.policy_certificates(provider.id).await.unwrap().certificates;
        assert_eq!(all.len() as u64, limits::POLICY_CERTIFICATES_MAX);
        // At the limit an addition of what is there is still a success.
        assert_eq!(
            store.add_policy_certificate(provider.id, b"c1", &edit(&alice())).await.unwrap(),
            CertificateChange::Unchanged
        );
    }
}

fn request(number: u8, once: bool) -> SignedRequest {
    SignedRequest { signed_hash: [number; 32], once }
}

fn signed(jws: &[u8]) -> NewPolicy<'_> {
    let signer = Signer { jwk: "{}".to_owned(), thumbprint: [1; 32] };
    NewPolicy { jws, text_hash: [7; 32], signer: Some(signer) }
}

on_both_databases! {
    async fn a_provider_that_takes_signed_requests_once_refuses_each_a_second_time(database: &Database) {
        let store = database.open().await;
        let (own, other) = (isolated(&store, "own", &[b"one"]).await, isolated(&store, "other", &[b"one"]).await);
        let actor = alice();
        let once = |number| edit(&actor).carrying_out(request(number, true));
        store.set_policy(own.id, SGX, &signed(b"a"), &once(1)).await.unwrap();
        store.set_policy(own.id, SGX, &signed(b"b"), &once(2)).await.unwrap();
        let before = store.sequence().await.unwrap();
        // The same signed text: byte for byte, with its signature written in another way, for
        // another type, as a certificate request.
        for (attestation_type, jws) in [(SGX, b"a"), (SGX, b"A"), (TPM, b"a")] {
            let refused = store.set_policy(own.id, attestation_type, &signed(jws), &once(1)).await;
            assert!(matches!(refused, Err(StoreError::RequestSeen { .. })), "{refused:?}");
        }
        let refused = store.add_policy_certificate(own.id, b"two", &once(2)).await;
        assert!(matches!(refused, Err(StoreError::RequestSeen { .. })), "{refused:?}");
        assert_eq!(store.sequence().await.unwrap(), before);
        assert_eq!(store.policy(own.id, SGX).await.unwrap().unwrap().jws, b"b");
        // Each provider has its own memory.
        store.set_policy(other.id, SGX, &signed(b"a"), &once(1)).await.unwrap();
        // Resets and certificate requests count too, also those that changed nothing.
        let reset = PolicyReset { jws: b"r", signer: signed(b"").signer };
        assert!(store.reset_policy(own.id, TPM, &reset, &once(3)).await.unwrap().is_none());
        assert!(store.reset_policy(own.id, SGX, &reset, &once(3)).await.is_err());
        store.add_policy_certificate(own.id, b"one", &once(4)).await.unwrap();
        store.remove_policy_certificate(own.id, b"one", &once(5)).await.unwrap_err();
        assert!(store.add_policy_certificate(own.id, b"two", &once(4)).await.is_err());
        // What failed was not accepted.
        store.add_policy_certificate(own.id, b"two", &once(5)).await.unwrap();
    }

    async fn what_was_accepted_is_known_when_requests_begin_to_count_once(database: &Database) {
        let store = database.open().await;
        let own = isolated(&store, "own", &[b"one"]).await;
        let actor = alice();
        // By a program of schema 2, which kept history alone; then by this one without the setting.
        store.set_policy(own.id, SGX, &signed(b"old"), &edit(&actor)).await.unwrap();
        let often = |number| edit(&actor).carrying_out(request(number, false));
        store.set_policy(own.id, SGX, &signed(b"a"), &often(1)).await.unwrap();
        store.set_policy(own.id, SGX, &signed(b"a"), &often(1)).await.unwrap();
        store.add_policy_certificate(own.id, b"two", &often(2)).await.unwrap();
        let once = |number| edit(&actor).carrying_out(request(number, true));
        for (number, jws) in [(1, b"a".as_slice()), (2, b"x"), (9, b"old")] {
            let refused = store.set_policy(own.id, SGX, &signed(jws), &once(number)).await;
            assert!(matches!(refused, Err(StoreError::RequestSeen { .. })), "{number}: {refused:?}");
        }
    }

    async fn a_provider_without_signers_keeps_no_signed_requests(database: &Database) {
        let store = database.open().await;
        let aad = provider(&store, "aad").await;
        let actor = alice();
        let once = || edit(&actor).carrying_out(request(1, true));
        store.set_policy(aad.id, SGX, &signed(b"a"), &once()).await.unwrap();
        store.set_policy(aad.id, SGX, &signed(b"a"), &once()).await.unwrap();
    }

    async fn a_full_memory_of_signed_requests_refuses_where_none_may_be_forgotten(database: &Database) {
        let store = database.open().await;
        let own = isolated(&store, "own", &[b"one"]).await;
        let fill = format!(
            "insert into accepted_tokens (provider_id, signed_hash, sequence) \
             with recursive n(i) as (select 1 union all select i + 1 from n where i < {}) \
             select {}, cast(cast(i as text) as {}), i from n",
            limits::ACCEPTED_REQUESTS_MAX, own.id, if database.is_postgres { "bytea" } else { "blob" },
        );
        avouch_store::testing::run_script(&database.location, &fill).await.unwrap();
        let actor = alice();
        let refused = store.set_policy(own.id, SGX, &signed(b"a"), &edit(&actor).carrying_out(request(1, true))).await;
        assert!(matches!(refused, Err(StoreError::Limit { .. })), "{refused:?}");
        store.set_policy(own.id, SGX, &signed(b"a"), &edit(&actor).carrying_out(request(1, false))).await.unwrap();
    }
}
