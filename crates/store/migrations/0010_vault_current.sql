-- Which version of a key for release is the current one stands with its name: a page of the list of keys reads as many
-- rows as it has. Read by SQLite and by PostgreSQL alike.
alter table vault_keys add column current_made bigint;

update vault_keys set current_made =
    (select max(made) from vault_key_versions where vault_key_versions.name_key = vault_keys.name_key);

create index vault_keys_by_current_made on vault_keys (current_made) where deleted_at is null;
create index vault_keys_deleted_by_current_made on vault_keys (current_made) where deleted_at is not null;
create index vault_key_versions_by_made on vault_key_versions (name_key, made);
