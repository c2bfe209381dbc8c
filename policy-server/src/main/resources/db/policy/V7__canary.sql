-- A canary is a move that leaves the alias where it is: it is under way as long as no other move
-- follows. Its share is in ten-thousandths. numbers: ballast.policy.v1.CanaryNumbers

alter table policy_alias_move
  add column canary_version text not null default '',
  add column canary_share   integer not null default 0,
  add column numbers        bytea not null default '',
  drop constraint policy_alias_move_allowed,
  drop constraint policy_alias_move_redeemed,
  add constraint policy_alias_move_allowed check (
    (kind = 'create' and revision = 1)
    or (kind = 'promote' and certificate_id <> '')
    or kind = 'roll_back'
    or (kind = 'break_glass' and certificate_id = '' and actor <> '' and reason <> '')
    or (kind = 'canary' and certificate_id <> '' and from_version = to_version
      and canary_version <> '')
    or (kind = 'canary_complete' and certificate_id <> '' and to_version = canary_version
      and reason <> '')
    or (kind = 'canary_roll_back' and certificate_id = '' and from_version = to_version
      and reason <> '')),
  add constraint policy_alias_move_redeemed check (
    (kind in ('promote', 'canary', 'canary_complete')) = (redemption_id <> '')) not valid,
  add constraint policy_alias_move_canary check (
    case when kind like 'canary%' then canary_version <> '' and canary_share between 1 and 5000
    else canary_version = '' and canary_share = 0 end);

-- What ends a canary follows its beginning, and completes it by the leave that was given then.
create function policy_alias_move_ends_canary() returns trigger
language plpgsql set search_path from current as $$
begin
  if not exists (
    select from policy_alias_move
    where model = new.model and alias = new.alias and revision = new.revision - 1
      and kind = 'canary' and canary_version = new.canary_version
      and canary_share = new.canary_share
      and (new.kind = 'canary_roll_back'
        or (certificate_id, redemption_id) = (new.certificate_id, new.redemption_id))
  ) then
    raise exception 'alias % of % has no canary of % to end',
      new.alias, new.model, new.canary_version;
  end if;
  return new;
end $$;

create trigger policy_alias_move_ends_canary
  before insert on policy_alias_move
  for each row when (new.kind in ('canary_complete', 'canary_roll_back'))
  execute function policy_alias_move_ends_canary();
