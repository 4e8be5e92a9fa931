-- What failures and replays are noticed by. Read by SQLite and by PostgreSQL alike.

-- Random, one per change: tells a change from another that got its sequence after a failover lost
-- it. Null where a program of schema 2 wrote.
alter table changes add column mark bigint;

-- Written now and then to find out whether writing works.
create table write_probe (
    id bigint not null primary key,
    filler bytea not null
);

-- Signed requests that an Isolated provider has accepted.
create table accepted_tokens (
    provider_id bigint not null references providers (id) on delete cascade,
    -- SHA-256 of what was signed.
    signed_hash bytea not null,
    sequence bigint not null,
    primary key (provider_id, signed_hash)
);
