-- Machines that attest, and the alerts that they raised. Read by SQLite and by PostgreSQL alike.
insert into store_state (name, value) values ('machines', 0);
insert into store_state (name, value) values ('alerts', 0);

create table machines (
    -- Counts up with each machine; lists go by it.
    id bigint not null primary key,
    provider_id bigint not null references providers (id) on delete cascade,
    -- What tells it from others, such as the hash of its attestation key.
    machine text not null,
    -- Kind of its evidence.
    kind text not null,
    first_at bigint not null,
    -- The last attestation that was proven to be fresh, how it ended, by which check, and what it showed.
    last_at bigint,
    verdict text check (verdict in ('permitted', 'refused')),
    refused_by text,
    facts text not null,
    -- Hashes of the proofs that counted as of last_at: none of them counts again.
    counted text,
    -- When one of them raised an alert last, and what was held back since.
    told_at bigint,
    held text,
    -- What it is compared with, and since when.
    baseline text not null,
    baseline_at bigint,
    -- The last attestation whose freshness nothing proves.
    unproven_at bigint,
    -- How it ended, by which check, and what it showed.
    unproven_verdict text check (unproven_verdict in ('permitted', 'refused')),
    unproven_refused_by text,
    unproven_facts text,
    -- When one such raised an alert last, and what was held back since.
    unproven_told_at bigint,
    unproven_held text,
    -- 1 while an alert of its silence stands.
    is_silent bigint not null,
    unique (provider_id, machine)
);
create index machines_by_age on machines (is_silent, last_at, unproven_at);

create index machines_never_permitted on machines (provider_id, id) where baseline_at is null;

create table alerts (
    -- Counts up.
    id bigint not null primary key,
    provider_id bigint not null references providers (id) on delete cascade,
    machine text not null,
    kind text not null check (kind in ('refused', 'changed', 'silent')),
    at bigint not null,
    details text not null,
    -- How often it was sent, and when next; null once it arrived, or where nobody is to be told.
    attempts bigint not null,
    next_at bigint
);
create index alerts_by_due on alerts (next_at);
create index alerts_by_provider on alerts (provider_id, id);
