-- The audit trail only grows, and history is not rewritten, whatever a bug in the program tries.
create trigger audit_is_never_updated before update on audit
begin
    select raise(abort, 'the audit trail is append-only');
end;
create trigger audit_is_never_deleted before delete on audit
begin
    select raise(abort, 'the audit trail is append-only');
end;
create trigger policy_revisions_are_never_updated before update on policy_revisions
begin
    select raise(abort, 'policy history is not rewritten');
end;
