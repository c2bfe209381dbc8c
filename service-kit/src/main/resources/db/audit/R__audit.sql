-- What was done for good, as a chain: each row has SHA-256 over the hash of the row before it, a line
-- feed and its own content. It is written in the transaction of what it tells. What code forgets, the
-- database refuses.
-- content: a JSON object on one line, exactly as it was hashed

create table if not exists audit (
  sequence        bigint primary key,
  previous_sha256 text not null,
  content         text not null,
  sha256          text not null unique
);

-- Appends an act. Writers wait for each other until they commit: call it last.
-- principal, proof: who the edge says that is, and by what it knows: set_config('ballast.principal', …,
-- true). on_behalf_of: for whom the server calls that is the principal. Whoever writes without saying so is
-- named as the database knows them.
create or replace function audit_append(
  action text, tenant text, actor text, subject text, request_id text, details jsonb)
returns bigint
language plpgsql set search_path from current as $$
declare
  place bigint;
  before text;
  said text;
begin
  lock table audit in share row exclusive mode;
  select a.sequence, a.sha256 into place, before from audit a order by a.sequence desc limit 1;
  place := coalesce(place, 0) + 1;
  before := coalesce(before, repeat('0', 64));
  said := jsonb_build_object(
    'sequence', place,
    'at', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'action', action,
    'tenant', tenant,
    'actor', actor,
    'principal', coalesce(nullif(current_setting('ballast.principal', true), ''), session_user),
    'proof', coalesce(nullif(current_setting('ballast.proof', true), ''), 'database'),
    'on_behalf_of', coalesce(current_setting('ballast.behalf', true), ''),
    'subject', subject,
    'request_id', request_id,
    'details', details)::text;
  insert into audit (sequence, previous_sha256, content, sha256)
  values (place, before, said,
    encode(sha256(convert_to(before || e'\n' || said, 'UTF8')), 'hex'));
  return place;
end $$;

create or replace function audit_follows() returns trigger
language plpgsql set search_path from current as $$
declare
  place bigint;
  before text;
begin
  lock table audit in share row exclusive mode;
  select a.sequence, a.sha256 into place, before from audit a order by a.sequence desc limit 1;
  if (new.sequence, new.previous_sha256)
      is distinct from (coalesce(place, 0) + 1, coalesce(before, repeat('0', 64)))
    or new.sha256 <> encode(sha256(convert_to(
      new.previous_sha256 || e'\n' || new.content, 'UTF8')), 'hex') then
    raise exception 'entry % of the audit trail does not follow entry %', new.sequence, place;
  end if;
  return new;
end $$;

create or replace function audit_stays() returns trigger language plpgsql as $$
begin
  raise exception 'entries of the audit trail are on record for good';
end $$;

drop trigger if exists audit_follows on audit;
create trigger audit_follows before insert on audit
  for each row execute function audit_follows();
drop trigger if exists audit_stays on audit;
create trigger audit_stays before update or delete on audit
  for each row execute function audit_stays();
drop trigger if exists audit_is_not_emptied on audit;
create trigger audit_is_not_emptied before truncate on audit
  for each statement execute function audit_stays();
