-- The first schema. Read by SQLite and by PostgreSQL alike: integers, text and bytes only.
-- Times are seconds since the Unix epoch. Sequences come from store_state and order every write.

create table store_state (
    name text not null primary key,
    value bigint not null
);
insert into store_state (name, value) values ('sequence', 0);
insert into store_state (name, value) values ('providers', 0);
insert into store_state (name, value) values ('keys', 0);
insert into store_state (name, value) values ('changes_pruned_through', 0);

create table providers (
    -- Sequence of the creation: never used again, so a provider made anew under an old name
    -- inherits nothing.
    id bigint not null primary key,
    name text not null,
    name_key text not null unique,
    subscription text not null,
    subscription_key text not null,
    resource_group text not null,
    resource_group_key text not null,
    location text not null,
    tags text not null,
    trust_model text not null check (trust_model in ('AAD', 'Isolated')),
    status text not null check (status in ('Ready', 'NotReady', 'Error')),
    public_network_access text check (public_network_access in ('Enabled', 'Disabled')),
    tpm_attestation_authentication text
        check (tpm_attestation_authentication in ('Enabled', 'Disabled')),
    settings text not null,
    -- Sequence of the last change of this row by its owner.
    revision bigint not null,
    -- Sequence of the last change of the set of policy certificates.
    signers_revision bigint not null,
    -- Sequence of the last change of anything of this provider.
    version bigint not null,
    created_at bigint not null,
    created_by text not null,
    created_by_kind text not null,
    updated_at bigint not null,
    updated_by text not null,
    updated_by_kind text not null
);
create index providers_by_resource_group
    on providers (subscription_key, resource_group_key, id);

create table policy_revisions (
    provider_id bigint not null references providers (id) on delete cascade,
    attestation_type text not null,
    -- 1, 2, 3, ... per provider and attestation type.
    revision bigint not null,
    sequence bigint not null,
    action text not null check (action in ('set', 'reset')),
    -- The JWS exactly as it was received, also of a reset.
    jws bytea not null,
    -- SHA-256 as in x-ms-policy-token-hash.
    token_hash bytea not null,
    -- SHA-256 as in x-ms-policy-hash; a reset has no policy text.
    text_hash bytea,
    signer_jwk text,
    signer_thumbprint bytea,
    -- The policy this one replaced, if one was in force.
    previous_revision bigint,
    previous_token_hash bytea,
    at bigint not null,
    actor text not null,
    actor_kind text not null,
    primary key (provider_id, attestation_type, revision)
);

-- The policy in force; no row means the default policy.
create table policies (
    provider_id bigint not null references providers (id) on delete cascade,
    attestation_type text not null,
    revision bigint not null,
    primary key (provider_id, attestation_type),
    foreign key (provider_id, attestation_type, revision)
        references policy_revisions (provider_id, attestation_type, revision) on delete cascade
);

create table policy_certificates (
    provider_id bigint not null references providers (id) on delete cascade,
    -- SHA-256 of the DER.
    thumbprint bytea not null,
    der bytea not null,
    sequence bigint not null,
    -- Order among certificates added by one write.
    position bigint not null,
    added_at bigint not null,
    added_by text not null,
    added_by_kind text not null,
    primary key (provider_id, thumbprint)
);

create table private_endpoint_connections (
    provider_id bigint not null references providers (id) on delete cascade,
    name text not null,
    name_key text not null,
    private_endpoint_id text,
    status text not null check (status in ('Pending', 'Approved', 'Rejected')),
    description text,
    actions_required text,
    provisioning_state text not null
        check (provisioning_state in ('Succeeded', 'Creating', 'Deleting', 'Failed')),
    sequence bigint not null,
    updated_at bigint not null,
    primary key (provider_id, name_key)
);

create table signing_keys (
    kid text not null primary key,
    purpose text not null,
    -- Null: shared by all providers.
    provider_id bigint references providers (id) on delete cascade,
    algorithm text not null,
    state text not null check (state in ('published', 'active', 'retired')),
    -- SubjectPublicKeyInfo in DER.
    public_key bytea not null,
    -- Never in the clear: wrapped under the master key that wrapping_key names.
    wrapped_private_key bytea not null,
    wrapping_key text not null,
    revision bigint not null,
    created_at bigint not null,
    not_before bigint not null,
    activated_at bigint,
    retired_at bigint
);
create unique index signing_keys_one_active
    on signing_keys (purpose, (coalesce(provider_id, 0)), algorithm) where state = 'active';
create index signing_keys_by_provider on signing_keys (provider_id);

-- Refers to providers by value: it stays when they go.
create table audit (
    sequence bigint not null primary key,
    at bigint not null,
    actor text not null,
    actor_kind text not null,
    action text not null,
    outcome text not null check (outcome in ('succeeded', 'refused')),
    provider_id bigint,
    provider_name text,
    provider_key text,
    details text not null
);
create index audit_by_provider on audit (provider_key, sequence);

create table changes (
    sequence bigint not null primary key,
    kind text not null,
    provider_id bigint,
    provider_name text,
    subject text
);
