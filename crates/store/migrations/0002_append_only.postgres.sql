-- The audit trail only grows, and history is not rewritten, whatever a bug in the program tries.
create function avouch_refuse() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name;
end;
$$;
create trigger audit_is_never_changed before update or delete or truncate on audit
    for each statement execute function avouch_refuse();
create trigger policy_revisions_are_never_updated before update on policy_revisions
    for each statement execute function avouch_refuse();
