use avouch_store::{CertificateChange, Expected, StoreError, limits};

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
