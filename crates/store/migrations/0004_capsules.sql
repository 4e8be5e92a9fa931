-- Evidence capsules: appraisals that an operator keeps to judge them again. Read by SQLite and by
-- PostgreSQL alike.
insert into store_state (name, value) values ('capsules', 0);

create table capsules (
    -- Counts up; the oldest go first.
    id bigint not null primary key,
    provider_id bigint not null references providers (id) on delete cascade,
    verdict text not null check (verdict in ('permitted', 'refused', 'unverified')),
    at bigint not null,
    capsule bytea not null,
    -- Length of the capsule.
    bytes bigint not null
);
create index capsules_by_provider on capsules (provider_id, verdict, id, bytes);
create index capsules_by_age on capsules (at);
