-- Certificates, what they gave leave for, and what made them void are told in the audit trail, in the
-- transactions in which they came to be. Those of before are on record in their tables.

create function certificate_is_audited() returns trigger
language plpgsql set search_path from current as $$
begin
  perform audit_append(
    'certificate.issue', '', '', new.certificate_id::text, '',
    jsonb_build_object('alias', new.alias, 'key_id', new.key_id, 'merkle_root', new.merkle_root));
  return null;
end $$;

create function certificate_redemption_is_audited() returns trigger
language plpgsql set search_path from current as $$
begin
  perform audit_append(
    'certificate.redeem', new.tenant, '', new.certificate_id::text, '',
    jsonb_build_object(
      'redemption_id', new.redemption_id, 'alias', new.alias, 'ordinal', new.ordinal,
      'alias_revision', new.alias_revision));
  return null;
end $$;

create function certificate_revocation_is_audited() returns trigger
language plpgsql set search_path from current as $$
begin
  perform audit_append(
    'certificate.revoke', new.tenant, '', new.certificate_id::text, '',
    jsonb_build_object('reason', new.reason));
  return null;
end $$;

-- deferred: the trail is locked last
create constraint trigger certificate_is_audited
  after insert on certificate deferrable initially deferred
  for each row execute function certificate_is_audited();
create constraint trigger certificate_redemption_is_audited
  after insert on certificate_redemption deferrable initially deferred
  for each row execute function certificate_redemption_is_audited();
create constraint trigger certificate_revocation_is_audited
  after insert on certificate_revocation deferrable initially deferred
  for each row execute function certificate_revocation_is_audited();
