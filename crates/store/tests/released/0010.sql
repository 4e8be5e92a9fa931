-- Rows as a program of schema 7 left them. Never edited once that schema is released.
-- Byte literals are written 'x:00ff' and translated for the database at hand.
insert into providers (id, name, name_key, subscription, subscription_key, resource_group,
    resource_group_key, location, tags, trust_model, status, public_network_access,
    tpm_attestation_authentication, settings, revision, signers_revision, version, created_at,
    created_by, created_by_kind, updated_at, updated_by, updated_by_kind)
values (1, 'Contoso', 'contoso', 'SUB-A', 'sub-a', 'Group', 'group', 'westus', '{"team":"x"}',
    'Isolated', 'Ready', null, 'Disabled', '{"refuse_debuggable":true}', 1, 1, 3, 1790000000,
    'alice', 'User', 1790000000, 'alice', 'User');
insert into policy_certificates (provider_id, thumbprint, der, sequence, position, added_at,
    added_by, added_by_kind)
values (1, 'x:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed', 'x:6f6e65', 1, 0,
    1790000000, 'alice', 'User');
insert into policy_revisions (provider_id, attestation_type, revision, sequence, action, jws,
    token_hash, text_hash, signer_jwk, signer_thumbprint, at, actor, actor_kind)
values (1, 'SgxEnclave', 1, 2, 'set', 'x:6a7773',
    'x:0101010101010101010101010101010101010101010101010101010101010101',
    'x:0202020202020202020202020202020202020202020202020202020202020202', '{"kty":"RSA"}',
    'x:0303030303030303030303030303030303030303030303030303030303030303', 1790000001, 'alice',
    'User');
insert into policies (provider_id, attestation_type, revision) values (1, 'SgxEnclave', 1);
insert into signing_keys (kid, purpose, provider_id, algorithm, state, public_key,
    wrapped_private_key, wrapping_key, revision, created_at, not_before, activated_at)
values ('kid-1', 'token', null, 'RS256', 'active', 'x:aa', 'x:bb', 'master', 3, 1790000002,
    1790000002, 1790000002);
insert into audit (sequence, at, actor, actor_kind, action, outcome, provider_id, provider_name,
    provider_key, details)
values (1, 1790000000, 'alice', 'User', 'provider-create', 'succeeded', 1, 'Contoso', 'contoso',
    '{}');
insert into changes (sequence, kind, provider_id, provider_name, mark) values
    (1, 'provider-created', 1, 'Contoso', -7);
insert into write_probe (id, filler) values (1, 'x:');
insert into accepted_tokens (provider_id, signed_hash, sequence) values (1,
    'x:0404040404040404040404040404040404040404040404040404040404040404', 2);
update store_state set value = 3 where name = 'sequence';
update store_state set value = 1 where name = 'providers';
update store_state set value = 1 where name = 'keys';
insert into capsules (id, provider_id, verdict, at, capsule, bytes)
values (1, 1, 'refused', 1790000000, 'x:7b7d', 2);
update store_state set value = 1 where name = 'capsules';
insert into endorsements (name, body, issuer_chain, source, fetched_at, etag)
values ('intel/root-ca-crl', 'x:30', 'x:', 'pcs', 1790000000, null);
insert into imported_endorsements (id, revision, imported_at, bundle)
values (1, 3, 1790000000, 'x:7b7d');
insert into machines (id, provider_id, machine, kind, first_at, last_at, verdict, refused_by, facts,
    baseline, baseline_at, unproven_at, is_silent)
values (1, 1, 'aa', 'tpm', 1790000000, 1790000001, 'refused', 'no-permit', '{"pcr7":"01"}',
    '{"pcr7":"00"}', 1790000000, null, 0);
update store_state set value = 1 where name = 'machines';
insert into alerts (id, provider_id, machine, kind, at, details, attempts, next_at)
values (1, 1, 'aa', 'refused', 1790000001, '{}', 2, 1790000002);
update store_state set value = 1 where name = 'alerts';
insert into vault_keys (name_key, name, deleted_at, purge_at, current_made) values ('disk', 'Disk', null, null, 3);
insert into vault_key_versions (name_key, version, made, key_type, is_hsm, is_exportable, public_key,
    wrapped_material, wrapping_key, is_enabled, not_before, expires_at, operations, tags,
    release_policy, is_policy_immutable, revision, created_at, updated_at)
values ('disk', '00000000000000000000000000000001', 3, 'oct', 1, 1, null, 'x:77', 'master-1', 1, null,
    null, '[]', '{}', null, 0, 3, 1790000000, 1790000000);
update store_state set value = 1 where name = 'vault_key_versions';
insert into vault_token_uses (use_hash, forget_at) values ('x:11', 1790003600);
update store_state set value = 1 where name = 'vault_token_uses';
