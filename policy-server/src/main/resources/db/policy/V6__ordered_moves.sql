-- An alias goes from each of its moves to the next, and nowhere else: not back to an earlier
-- (version, revision), not past a move, not away.

create function policy_alias_steps() returns trigger
language plpgsql set search_path from current as $$
begin
  if tg_op = 'INSERT' then
    if new.revision <> 1 then
      raise exception 'alias % of % begins at revision % (expected: 1)',
        new.alias, new.model, new.revision;
    end if;
  elsif (new.model, new.alias) <> (old.model, old.alias) or new.revision <> old.revision + 1 then
    raise exception 'alias % of % goes from revision % to % (expected: %)',
      old.alias, old.model, old.revision, new.revision, old.revision + 1;
  end if;
  return new;
end $$;

create trigger policy_alias_steps
  before insert or update on policy_alias
  for each row execute function policy_alias_steps();

create function policy_alias_stays() returns trigger language plpgsql as $$
begin
  raise exception 'aliases are on record for good';
end $$;

create trigger policy_alias_stays
  before delete or truncate on policy_alias
  for each statement execute function policy_alias_stays();

create trigger policy_alias_moves_stay
  before truncate on policy_alias_move
  for each statement execute function policy_alias_move_stays();

-- A move begins where the one before it ended.
create function policy_alias_move_follows() returns trigger
language plpgsql set search_path from current as $$
begin
  if new.revision > 1 and not exists (
    select from policy_alias_move
    where model = new.model and alias = new.alias and revision = new.revision - 1
      and to_version = new.from_version
  ) then
    raise exception 'move % of alias % of % does not begin where the one before it ended: %',
      new.revision, new.alias, new.model, new.from_version;
  end if;
  return new;
end $$;

create trigger policy_alias_move_follows
  before insert on policy_alias_move
  for each row execute function policy_alias_move_follows();

-- A move on record is a move that was made.
create function policy_alias_move_is_made() returns trigger
language plpgsql set search_path from current as $$
begin
  if not exists (
    select from policy_alias
    where model = new.model and alias = new.alias and revision >= new.revision
  ) then
    raise exception 'move % of alias % of % was not made', new.revision, new.alias, new.model;
  end if;
  return null;
end $$;

create constraint trigger policy_alias_move_is_made
  after insert on policy_alias_move deferrable initially deferred
  for each row execute function policy_alias_move_is_made();
