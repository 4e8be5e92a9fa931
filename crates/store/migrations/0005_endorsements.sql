-- Endorsements that were fetched, so that a restart is warm. Read by SQLite and by PostgreSQL alike.
create table endorsements (
    -- What it is, such as intel/sgx/tcb-info/00606a000000/standard.
    name text not null primary key,
    body bytea not null,
    issuer_chain bytea not null,
    -- Who gave it, for people.
    source text not null,
    fetched_at bigint not null,
    -- The source's tag of this version.
    etag text
);
