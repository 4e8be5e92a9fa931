use avouch_store::testing::run_script;
use avouch_store::{Directory, PolicyReset, ProviderPatch, Sequence, Toggle};

use crate::support::*;

on_both_databases! {
    async fn holds_everything_that_was_there(database: &Database) {
        let store = database.open().await;
        // More than one page of the loader.
        for n in 0..450 {
            let tenant = isolated(&store, &format!("tenant-{n}"), &[format!("cert {n}").as_bytes(), b"common"]).await;
            if n % 3 == 0 {
                let mut policy = unsigned(b"x");
                let jws = format!("policy {n}");
                policy.jws = jws.as_bytes();
                policy.signer = Some(avouch_store::Signer { jwk: "{}".to_owned(), thumbprint: [1; 32] });
                store.set_policy(tenant.id, SGX, &policy, &edit(&alice())).await.unwrap();
                store.set_policy(tenant.id, TPM, &policy, &edit(&alice())).await.unwrap();
            }
        }
        let directory = Directory::load(&store, 1 << 20).await.unwrap();
        assert_eq!(directory.len(), 450);
        assert_eq!(directory.version(), store.sequence().await.unwrap());
        let mut bytes = 0;
        for n in 0..450 {
            let tenant = directory.tenant(&format!("TENANT-{n}")).unwrap();
            assert_eq!(tenant.provider, store.provider(&format!("tenant-{n}")).await.unwrap().unwrap());
            let ders: Vec<_> = tenant.certificates.iter().map(|it| it.der.clone()).collect();
            assert_eq!(ders, [format!("cert {n}").into_bytes(), b"common".to_vec()]);
            let jws = (n % 3 == 0).then(|| format!("policy {n}"));
            for attestation_type in [SGX, TPM] {
                let held = tenant.policy(attestation_type).map(|it| it.jws.as_deref().unwrap().to_vec());
                bytes += held.as_ref().map_or(0, Vec::len) as u64;
                assert_eq!(held, jws.clone().map(String::into_bytes));
            }
        }
        assert_eq!(directory.policy_bytes(), bytes);
        assert!(directory.tenant("tenant-450").is_none());
        assert!(directory.tenant("../tenant-1").is_none());
    }

    async fn a_provider_that_cannot_be_read_is_taken_out_and_the_others_stay_current(database: &Database) {
        let store = database.open().await;
        provider(&store, "broken").await;
        let sound = provider(&store, "sound").await;
        set(&store, &sound, "before").await.unwrap();
        let directory = Directory::load(&store, 1 << 20).await.unwrap();
        assert!(directory.tenant("broken").is_some());
        // As a newer program might write it.
        let script = "update store_state set value = value + 1 where name = 'sequence'; \
            update providers set updated_by_kind = 'Martian' where name_key = 'broken'; \
            insert into changes (sequence, kind, provider_id, provider_name) \
            select s.value, 'provider-updated', p.id, p.name from store_state s, providers p \
            where s.name = 'sequence' and p.name_key = 'broken';";
        run_script(&database.location, script).await.unwrap();
        let after = set(&store, &sound, "after").await.unwrap();
        directory.wait_for(Sequence(after.sequence)).await;
        let held = directory.tenant("sound").unwrap();
        assert_eq!(held.policy(SGX).unwrap().token_hash, after.token_hash);
        assert!(directory.tenant("broken").is_none());
        assert_eq!(directory.policy_bytes(), "after".len() as u64);
    }

    async fn a_write_is_there_once_waited_for(database: &Database) {
        let store = database.open().await;
        let directory = Directory::load(&store, 1 << 20).await.unwrap();
        let provider = provider(&store, "contoso").await;
        directory.wait_for(Sequence(provider.version)).await;
        assert_eq!(directory.tenant("contoso").unwrap().policy(SGX), None);
        for n in 0..20 {
            let policy = set(&store, &provider, &n.to_string()).await.unwrap();
            directory.wait_for(Sequence(policy.sequence)).await;
            let tenant = directory.tenant("contoso").unwrap();
            let held = tenant.policy(SGX).unwrap();
            assert_eq!((held.revision, held.token_hash), (policy.revision, policy.token_hash));
            assert_eq!(tenant.provider.version, policy.sequence);
        }
        let reset = store.reset_policy(provider.id, SGX, &PolicyReset { jws: b"..", signer: None }, &edit(&alice())).await.unwrap().unwrap();
        directory.wait_for(Sequence(reset.sequence)).await;
        assert_eq!(directory.tenant("contoso").unwrap().policy(SGX), None);
        assert_eq!(directory.policy_bytes(), 0);
        let gone = store.delete_provider(provider.id, &edit(&alice())).await.unwrap();
        directory.wait_for(gone).await;
        assert!(directory.tenant("contoso").is_none());
        assert!(directory.is_empty());
        // A write that changed nothing is no reason to wait.
        let entries = store.append_audit(&[]).await.unwrap();
        tokio::time::timeout(SOON, directory.wait_for(Sequence(entries.0 + 1))).await.unwrap();
    }

    async fn a_burst_of_writes_does_not_leave_it_behind(database: &Database) {
        let store = database.open().await;
        let directory = Directory::load(&store, 1 << 20).await.unwrap();
        let (a, b) = (provider(&store, "tenant-a").await, provider(&store, "tenant-b").await);
        let mut last = 0;
        for n in 0..100 {
            let provider = if n % 2 == 0 { &a } else { &b };
            last = set(&store, provider, &n.to_string()).await.unwrap().sequence;
        }
        store.delete_provider(a.id, &edit(&alice())).await.unwrap();
        directory.wait_for(store.sequence().await.unwrap()).await;
        assert!(directory.tenant("tenant-a").is_none());
        let tenant = directory.tenant("tenant-b").unwrap();
        assert_eq!((tenant.provider.version, tenant.policy(SGX).unwrap().revision), (last, 50));
        assert_eq!(directory.policy_bytes(), 2);
    }

    async fn follows_other_instances(database: &Database) {
        let (here, there) = (database.open().await, database.open().await);
        let directory = Directory::load(&there, 1 << 20).await.unwrap();
        let made = provider(&here, "contoso").await;
        set(&here, &made, "x").await.unwrap();
        eventually("the policy", || {
            directory.tenant("contoso").is_some_and(|it| it.policy(SGX).is_some())
        }).await;
        let patch = ProviderPatch { public_network_access: Some(Toggle::Disabled), ..ProviderPatch::default() };
        here.update_provider(made.id, &patch, &edit(&alice())).await.unwrap();
        eventually("the patch", || {
            directory.tenant("contoso").unwrap().provider.public_network_access == Some(Toggle::Disabled)
        }).await;
        here.delete_provider(made.id, &edit(&alice())).await.unwrap();
        let again = provider(&here, "contoso").await;
        eventually("the new provider", || {
            directory.tenant("contoso").is_some_and(|it| it.provider.id == again.id)
        }).await;
        assert_eq!(directory.tenant("contoso").unwrap().policy(SGX), None);
    }

    async fn keeps_policies_within_its_budget_and_their_hashes_beyond(database: &Database) {
        let store = database.open().await;
        let provider = provider(&store, "contoso").await;
        let policy = set(&store, &provider, &"x".repeat(1000)).await.unwrap();
        let directory = Directory::load(&store, 999).await.unwrap();
        let tenant = directory.tenant("contoso").unwrap();
        let held = tenant.policy(SGX).unwrap();
        assert_eq!((&held.jws, held.token_hash, held.revision), (&None, policy.token_hash, 1));
        assert_eq!(directory.policy_bytes(), 0);
        let jws = store.policy_revision_jws(provider.id, SGX, held.revision).await.unwrap().unwrap();
        assert_eq!(jws, policy.jws);

        let policy = set(&store, &provider, &"y".repeat(999)).await.unwrap();
        directory.wait_for(Sequence(policy.sequence)).await;
        assert_eq!(directory.tenant("contoso").unwrap().policy(SGX).unwrap().jws.as_deref().unwrap(), policy.jws);
        assert_eq!(directory.policy_bytes(), 999);
    }

    async fn reads_everything_anew_when_changes_were_dropped(database: &Database) {
        let store = database.open().await;
        let directory = Directory::load(&store, 1 << 20).await.unwrap();
        let before = directory.version();
        // As if another instance had written and pruned while this one was cut off: the rows are
        // there, their changes are not.
        let other = database.open().await;
        run_script(&database.location, "create table held (x bigint)").await.unwrap();
        let made = provider(&other, "contoso").await;
        run_script(
            &database.location,
            &format!(
                "delete from changes; update store_state set value = {0} + 1 where name = 'sequence'; \
                 update store_state set value = {0} where name = 'changes_pruned_through'; \
                 insert into changes (sequence, kind) values ({0} + 1, 'keys')",
                made.id
            ),
        ).await.unwrap();
        eventually("the provider", || directory.tenant("contoso").is_some()).await;
        assert!(directory.version() > before);
    }
}
