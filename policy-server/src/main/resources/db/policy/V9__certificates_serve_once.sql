-- A certificate moves an alias once. The moves on record say which ones did: a leave of the
-- safety-server that led to no move has spent nothing. Writers of one alias wait for each other at
-- its row.

create function policy_certificate_serves_once() returns trigger
language plpgsql set search_path from current as $$
begin
  if exists (
    select from policy_alias_move
    where model = new.model and alias = new.alias and certificate_id = new.certificate_id
      and kind in ('promote', 'canary')
  ) then
    raise exception 'certificate % has moved alias % of % before',
      new.certificate_id, new.alias, new.model;
  end if;
  return new;
end $$;

create trigger policy_certificate_serves_once
  before insert on policy_alias_move
  for each row when (new.kind in ('promote', 'canary'))
  execute function policy_certificate_serves_once();
