-- Attestation tokens that have served for the release of a key, where each serves only once. Read by SQLite and by
-- PostgreSQL alike.
insert into store_state (name, value) values ('vault_token_uses', 0);

create table vault_token_uses (
    -- SHA-256 of authority and identifier: the token itself is never kept.
    use_hash bytea not null primary key,
    -- From then on the token is refused for its age.
    forget_at bigint not null
);

create index vault_token_uses_by_forget_at on vault_token_uses (forget_at);
