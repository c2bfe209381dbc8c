-- An alias moves only with its move on record beside it, and the record says what allowed it. What
-- code forgets, the database refuses.

alter table policy_alias_move
  add column actor text not null default '',
  add column reason text not null default '',
  add constraint policy_alias_move_allowed check (
    (kind = 'create' and revision = 1)
    or (kind = 'promote' and certificate_id <> '')
    or kind = 'roll_back'
    or (kind = 'break_glass' and certificate_id = '' and actor <> '' and reason <> ''));

create function policy_alias_needs_its_move() returns trigger
language plpgsql set search_path from current as $$
begin
  if not exists (
    select from policy_alias_move
    where model = new.model and alias = new.alias and revision = new.revision
      and to_version = new.version
  ) then
    raise exception 'alias % of % has no move % to %',
      new.alias, new.model, new.revision, new.version;
  end if;
  return null;
end $$;

create constraint trigger policy_alias_needs_its_move
  after insert or update on policy_alias deferrable initially deferred
  for each row execute function policy_alias_needs_its_move();

-- What is rolled back to has served.
create function policy_alias_move_goes_back() returns trigger
language plpgsql set search_path from current as $$
begin
  if not exists (
    select from policy_alias_move
    where model = new.model and alias = new.alias and revision < new.revision - 1
      and to_version = new.to_version
  ) then
    raise exception 'alias % of % never pointed to %: nothing to roll back to',
      new.alias, new.model, new.to_version;
  end if;
  return new;
end $$;

create trigger policy_alias_move_goes_back
  before insert on policy_alias_move
  for each row when (new.kind = 'roll_back') execute function policy_alias_move_goes_back();

create function policy_alias_move_stays() returns trigger language plpgsql as $$
begin
  raise exception 'moves of aliases are on record for good';
end $$;

create trigger policy_alias_move_stays
  before update or delete on policy_alias_move
  for each row execute function policy_alias_move_stays();
