-- The bundle of endorsements that an operator imported: one at most. Read by SQLite and by PostgreSQL
-- alike.
create table imported_endorsements (
    id bigint not null primary key check (id = 1),
    -- Counts up with each import.
    revision bigint not null,
    imported_at bigint not null,
    bundle bytea not null
);
