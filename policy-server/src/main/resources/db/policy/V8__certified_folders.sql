-- The folder that a move's certificate was for stays with the move, so that what is loaded after a
-- restart or a rollback is held against it. Empty: no certificate, a version that runs elsewhere, or
-- a move of before this was on record.
-- folder_sha256: over all files of the folder, 64 lower-case hexadecimal digits

alter table policy_alias_move
  add column folder_sha256 text not null default '',
  add constraint policy_alias_move_folder check (
    folder_sha256 = '' or (folder_sha256 ~ '^[0-9a-f]{64}$'
      and kind in ('promote', 'canary', 'canary_complete', 'roll_back'))),
  add constraint policy_alias_move_goes_elsewhere check (
    kind <> 'roll_back' or to_version <> from_version) not valid;

-- What ends a canary with its version, and what goes back to one, is of the folder that was
-- certified then; a writer that does not say it is one of before.
create function policy_alias_move_keeps_folder() returns trigger
language plpgsql set search_path from current as $$
declare
  certified text;
begin
  select folder_sha256 into certified from policy_alias_move
  where model = new.model and alias = new.alias and revision < new.revision
    and certificate_id <> ''
    and case when new.kind = 'canary_complete'
      then kind = 'canary' and canary_version = new.to_version
      else kind in ('promote', 'canary_complete') and to_version = new.to_version end
  order by revision desc limit 1;
  certified := coalesce(certified, '');
  if new.folder_sha256 = '' then
    new.folder_sha256 := certified;
  elsif new.folder_sha256 <> certified then
    raise exception 'version % of % was certified with folder % (said: %)',
      new.to_version, new.model, certified, new.folder_sha256;
  end if;
  return new;
end $$;

create trigger policy_alias_move_keeps_folder
  before insert on policy_alias_move
  for each row when (new.kind in ('canary_complete', 'roll_back'))
  execute function policy_alias_move_keeps_folder();

-- What an alias means is a version's weights: they change by a move, and by nothing else.
create function policy_version_stays() returns trigger language plpgsql as $$
begin
  raise exception 'versions are on record for good';
end $$;

create trigger policy_version_stays
  before update or delete on policy_version
  for each row execute function policy_version_stays();
