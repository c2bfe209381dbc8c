-- Every move of an alias is told in the audit trail, in the transaction that makes it. Moves of
-- before are on record in policy_alias_move.

create function policy_alias_move_is_audited() returns trigger
language plpgsql set search_path from current as $$
begin
  perform audit_append(
    'alias.' || new.kind, new.tenant, new.actor, new.model || '/' || new.alias, new.request_id,
    jsonb_strip_nulls(jsonb_build_object(
      'revision', new.revision,
      'from_version', new.from_version,
      'to_version', new.to_version,
      'certificate_id', nullif(new.certificate_id, ''),
      'redemption_id', nullif(new.redemption_id, ''),
      'canary_version', nullif(new.canary_version, ''),
      'canary_share', nullif(new.canary_share, 0),
      'reason', nullif(new.reason, ''))));
  return null;
end $$;

-- deferred: the trail is locked last
create constraint trigger policy_alias_move_is_audited
  after insert on policy_alias_move deferrable initially deferred
  for each row execute function policy_alias_move_is_audited();
