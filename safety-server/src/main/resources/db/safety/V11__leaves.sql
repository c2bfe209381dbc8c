-- What code forgets of leaves, the database refuses: a key names one move, and while a leave of a
-- certificate for an alias holds there is no other.

create index certificate_redemption_by_key on certificate_redemption (tenant, idempotency_key);

create function certificate_redemption_is_one() returns trigger
language plpgsql set search_path from current as $$
begin
  perform pg_advisory_xact_lock(
    hashtextextended('redemption:' || new.tenant || chr(10) || new.idempotency_key, 0));
  if exists (
    select from certificate_redemption
    where tenant = new.tenant and idempotency_key = new.idempotency_key
      and (certificate_id, alias, alias_revision)
        <> (new.certificate_id, new.alias, new.alias_revision)
  ) then
    raise exception 'key % of tenant % names another move', new.idempotency_key, new.tenant;
  end if;
  if exists (
    select from certificate_redemption
    where certificate_id = new.certificate_id and alias = new.alias
      and expires_at > new.redeemed_at
  ) then
    raise exception 'certificate % has a leave for % that holds', new.certificate_id, new.alias;
  end if;
  return new;
end $$;

create trigger certificate_redemption_is_one
  before insert on certificate_redemption
  for each row execute function certificate_redemption_is_one();
