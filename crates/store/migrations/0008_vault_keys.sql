-- Keys that are released to attested workloads, by name and version. Read by SQLite and by PostgreSQL alike.
insert into store_state (name, value) values ('vault_key_versions', 0);

create table vault_keys (
    -- The name in lower case; names that differ in case are one.
    name_key text not null primary key,
    name text not null,
    -- Deleted, and recoverable until it is purged.
    deleted_at bigint,
    purge_at bigint,
    check ((deleted_at is null) = (purge_at is null))
);

create table vault_key_versions (
    name_key text not null references vault_keys (name_key) on delete cascade,
    version text not null,
    -- Sequence of the write that made it: the largest of a name is the current version.
    made bigint not null unique,
    key_type text not null,
    is_hsm bigint not null check (is_hsm in (0, 1)),
    is_exportable bigint not null check (is_exportable in (0, 1)),
    -- SubjectPublicKeyInfo in DER; a secret key has none.
    public_key bytea,
    -- Never in the clear: wrapped under the master key that wrapping_key names.
    wrapped_material bytea not null,
    wrapping_key text not null,
    is_enabled bigint not null check (is_enabled in (0, 1)),
    not_before bigint,
    expires_at bigint,
    -- JSON texts, which the store does not read.
    operations text not null,
    tags text not null,
    release_policy text,
    -- Of an immutable policy nothing changes any more.
    is_policy_immutable bigint not null check (is_policy_immutable in (0, 1)),
    revision bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (name_key, version)
);
