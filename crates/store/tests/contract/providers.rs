use avouch_store::{
    Expected, PageRequest, ProviderFilter, ProviderPatch, ResourceScope, StoreError, Toggle,
    TrustModel, limits,
};

use crate::support::*;

on_both_databases! {
    async fn gives_back_every_field_of_a_created_provider(database: &Database) {
        let store = database.open().await;
        let mut new = new_provider("Contoso-1");
        new.tags = [("Team".to_owned(), "größe \u{1f510} \0 \"x\"".to_owned())].into();
        new.public_network_access = Some(Toggle::Disabled);
        new.tpm_attestation_authentication = Some(Toggle::Enabled);
        let made = store.create_provider(&new, &edit(&alice())).await.unwrap();
        assert_eq!(made.trust_model, TrustModel::Aad);
        assert_eq!((made.created_at, made.updated_at), (at(1), at(1)));
        assert_eq!(made.created_by, alice());
        assert_eq!(made.id.get(), made.revision);

        let read = store.provider("contoso-1").await.unwrap().unwrap();
        assert_eq!(read, made);
        assert_eq!(read.name.as_str(), "Contoso-1");
        assert_eq!(store.provider_by_id(made.id).await.unwrap().unwrap(), made);

        // And after a restart.
        store.close().await;
        assert_eq!(database.open().await.provider("CONTOSO-1").await.unwrap().unwrap(), made);
    }

    async fn leaves_switches_unset_until_set(database: &Database) {
        let store = database.open().await;
        let made = provider(&store, "contoso").await;
        assert_eq!(made.public_network_access, None);
        assert_eq!(made.tpm_attestation_authentication, None);
        assert_eq!(store.provider("contoso").await.unwrap().unwrap(), made);
    }

    async fn refuses_a_name_that_differs_only_in_case(database: &Database) {
        let store = database.open().await;
        provider(&store, "contoso").await;
        let again = store.create_provider(&new_provider("ConToso"), &edit(&alice())).await;
        assert!(matches!(again, Err(StoreError::AlreadyExists { what: "provider", .. })), "{again:?}");
        assert_eq!(store.provider_count().await.unwrap(), 1);
    }

    async fn finds_nothing_under_names_that_cannot_be(database: &Database) {
        let store = database.open().await;
        provider(&store, "contoso").await;
        for name in ["", "../contoso", "contoso%2f", "contoso/", "CONTOSO\0", "cοntoso", "conto%", "c_ntoso"] {
            assert_eq!(store.provider(name).await.unwrap(), None, "{name:?}");
        }
    }

    async fn certificates_at_creation_make_a_provider_isolated(database: &Database) {
        let store = database.open().await;
        let made = isolated(&store, "isolated", &[b"one", b"two", b"one"]).await;
        assert_eq!(made.trust_model, TrustModel::Isolated);
        let signers = store.policy_certificates(made.id).await.unwrap();
        assert_eq!(signers.revision, made.signers_revision);
        let ders: Vec<_> = signers.certificates.iter().map(|it| it.der.as_slice()).collect();
        assert_eq!(ders, [b"one".as_slice(), b"two"]);
    }

    async fn nothing_of_a_refused_creation_stays(database: &Database) {
        let store = database.open().await;
        let mut new = new_provider("contoso");
        new.policy_certificates = vec![b"one".to_vec(), vec![0; limits::CERTIFICATE_BYTES_MAX + 1]];
        let refused = store.create_provider(&new, &edit(&alice())).await;
        assert!(matches!(refused, Err(StoreError::Limit { .. })), "{refused:?}");
        assert_eq!(store.provider("contoso").await.unwrap(), None);
        assert_eq!(store.provider_count().await.unwrap(), 0);
        assert!(store.audit(None, PageRequest::first()).await.unwrap().items.is_empty());
    }

    async fn refuses_tags_beyond_the_limits(database: &Database) {
        let store = database.open().await;
        let mut many = new_provider("contoso");
        many.tags = (0..=limits::TAGS_MAX).map(|n| (n.to_string(), String::new())).collect();
        let mut long = new_provider("contoso");
        long.tags = [("x".to_owned(), "é".repeat(limits::TAG_VALUE_CHARS_MAX + 1))].into();
        let mut place = new_provider("contoso");
        place.location = "x".repeat(limits::TEXT_CHARS_MAX + 1);
        for new in [many, long, place] {
            let refused = store.create_provider(&new, &edit(&alice())).await;
            assert!(matches!(refused, Err(StoreError::Limit { .. })), "{refused:?}");
        }
        let mut control = new_provider("contoso");
        control.location = "west\0us".to_owned();
        let refused = store.create_provider(&control, &edit(&alice())).await;
        assert!(matches!(refused, Err(StoreError::Invalid { field: "location", .. })), "{refused:?}");
        // Up to the limit is fine.
        let mut fits = new_provider("contoso");
        fits.tags = [("x".to_owned(), "é".repeat(limits::TAG_VALUE_CHARS_MAX))].into();
        store.create_provider(&fits, &edit(&alice())).await.unwrap();
    }

    async fn a_patch_changes_what_it_names_and_nothing_else(database: &Database) {
        let store = database.open().await;
        let made = provider(&store, "contoso").await;
        let patch = ProviderPatch {
            tags: Some([("a".to_owned(), "b".to_owned())].into()),
            tpm_attestation_authentication: Some(Toggle::Disabled),
            ..ProviderPatch::default()
        };
        let patched = store.update_provider(made.id, &patch, &avouch_store::Edit::new(&alice(), at(9))).await.unwrap();
        assert_eq!(patched.tags["a"], "b");
        assert_eq!(patched.tpm_attestation_authentication, Some(Toggle::Disabled));
        assert_eq!(patched.public_network_access, None);
        assert_eq!((patched.created_at, patched.updated_at), (at(1), at(9)));
        assert!(patched.revision > made.revision);
        assert_eq!(store.provider("contoso").await.unwrap().unwrap(), patched);
    }

    async fn a_patch_that_rests_on_an_old_revision_is_refused(database: &Database) {
        let store = database.open().await;
        let made = provider(&store, "contoso").await;
        let (actor, patch) = (alice(), ProviderPatch { public_network_access: Some(Toggle::Disabled), ..ProviderPatch::default() });
        let expected = Expected { provider: Some(made.revision), ..Expected::default() };
        let first = store.update_provider(made.id, &patch, &edit(&actor).expecting(expected)).await.unwrap();
        let second = store.update_provider(made.id, &patch, &edit(&actor).expecting(expected)).await;
        match second {
            Err(StoreError::Conflict { expected, found, .. }) => {
                assert_eq!((expected, found), (made.revision, first.revision));
            }
            other => panic!("{other:?}"),
        }
    }

    async fn deletion_removes_everything_but_the_audit_trail(database: &Database) {
        let store = database.open().await;
        let made = isolated(&store, "contoso", &[b"one"]).await;
        let mut policy = unsigned(b"jws");
        policy.signer = Some(avouch_store::Signer { jwk: "{}".to_owned(), thumbprint: [1; 32] });
        store.set_policy(made.id, SGX, &policy, &edit(&alice())).await.unwrap();
        store.delete_provider(made.id, &edit(&alice())).await.unwrap();

        assert_eq!(store.provider("contoso").await.unwrap(), None);
        assert_eq!(store.policy(made.id, SGX).await.unwrap(), None);
        assert!(store.policy_history(made.id, SGX, PageRequest::first()).await.unwrap().items.is_empty());
        assert!(matches!(store.policy_certificates(made.id).await, Err(StoreError::NotFound { .. })));
        assert_eq!(store.provider_count().await.unwrap(), 0);
        let trail = store.audit(Some("contoso"), PageRequest::first()).await.unwrap().items;
        let actions: Vec<_> = trail.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, ["provider-create", "policy-set", "provider-delete"]);

        let again = store.delete_provider(made.id, &edit(&alice())).await;
        assert!(matches!(again, Err(StoreError::NotFound { .. })), "{again:?}");
    }

    async fn a_provider_made_anew_inherits_nothing(database: &Database) {
        let store = database.open().await;
        let old = provider(&store, "contoso").await;
        set(&store, &old, "old").await.unwrap();
        store.delete_provider(old.id, &edit(&alice())).await.unwrap();
        let new = provider(&store, "contoso").await;
        assert_ne!(new.id, old.id);
        assert_eq!(store.policy(new.id, SGX).await.unwrap(), None);
        // What was decided for the old one does not hit the new one.
        assert!(matches!(set(&store, &old, "late").await, Err(StoreError::NotFound { .. })));
        assert_eq!(store.policy(new.id, SGX).await.unwrap(), None);
    }

    async fn nothing_of_one_provider_shows_through_another(database: &Database) {
        let store = database.open().await;
        let (a, b) = (provider(&store, "tenant-a").await, provider(&store, "tenant-b").await);
        set(&store, &a, "of a").await.unwrap();
        set(&store, &b, "of b").await.unwrap();
        store.delete_provider(a.id, &edit(&alice())).await.unwrap();
        assert_eq!(store.policy(b.id, SGX).await.unwrap().unwrap().jws, b"of b");
        assert_eq!(store.policy_history(b.id, SGX, PageRequest::first()).await.unwrap().items.len(), 1);
    }

    async fn lists_by_subscription_and_group_without_case_in_pages(database: &Database) {
        let store = database.open().await;
        for (name, subscription, group) in [
            ("one", "sub-a", "Größe"), ("two", "SUB-A", "GRÖßE"), ("three", "sub-a", "other"), ("four", "sub-b", "Größe"),
        ] {
            let mut new = new_provider(name);
            new.scope = ResourceScope::parse(subscription, group).unwrap();
            store.create_provider(&new, &edit(&alice())).await.unwrap();
        }
        let names = async |filter, page| {
            let page = store.providers(filter, page).await.unwrap();
            let names: Vec<_> = page.items.iter().map(|it| it.name.to_string()).collect();
            (names, page.next)
        };
        let first = PageRequest::first();
        assert_eq!(names(ProviderFilter::All, first).await.0, ["one", "two", "three", "four"]);
        assert_eq!(names(ProviderFilter::Subscription("Sub-A"), first).await.0, ["one", "two", "three"]);
        assert_eq!(names(ProviderFilter::ResourceGroup("sub-a", "größe"), first).await.0, ["one", "two"]);
        assert!(names(ProviderFilter::Subscription("sub"), first).await.0.is_empty());

        let mut request = PageRequest { rows: 3, ..first };
        let (page, next) = names(ProviderFilter::All, request).await;
        assert_eq!(page, ["one", "two", "three"]);
        request.after = next.unwrap();
        let (page, next) = names(ProviderFilter::All, request).await;
        assert_eq!((page, next), (vec!["four".to_owned()], None));
    }
}
