-- Looks of before there was a ledger as they were, and records that stay: what code forgets, the
-- database refuses.

-- kept: its prompts stay used whatever is given back, since other looks used them too
alter table look_set add column kept boolean not null default false;

-- several old tests may share a set, and sets may share prompts
with held as (
  select prompts_sha256, count(*) as looks from look where given_back_at is null
  group by prompts_sha256)
update look_set s
set taken = held.looks, looks = greatest(s.looks, held.looks), kept = held.looks > 1, closed = true
from held
where held.prompts_sha256 = s.prompts_sha256 and s.rule = 'REFUSE';

create temporary table used_prompt on commit drop as
select l.prompts_sha256, encode(sha256(convert_to(p, 'UTF8')), 'hex') as prompt_sha256,
  min(l.arrival) as arrival
from look l join safety_test t using (test_id) cross join unnest(t.prompts) as p
where l.given_back_at is null
group by 1, 2;

create index on used_prompt (prompt_sha256);

update look_set s set kept = true
where exists (select from used_prompt a join used_prompt b using (prompt_sha256)
  where a.prompts_sha256 = s.prompts_sha256 and b.prompts_sha256 <> a.prompts_sha256);

insert into look_prompt (prompt_sha256, prompts_sha256)
select distinct on (prompt_sha256) prompt_sha256, prompts_sha256 from used_prompt
order by prompt_sha256, arrival
on conflict do nothing;

update safety_test t
set state = 'FAILED', ended_at = now(), failure_message = 'no look is on record for it'
where state = 'RUNNING' and not exists (select from look l where l.test_id = t.test_id);

-- Nothing of a certificate, its revocation, its evidence or what was tested changes.

create trigger certificate_stays
  before update or delete on certificate
  for each row execute function safety_record_stays();
create trigger certificate_is_not_emptied
  before truncate on certificate
  for each statement execute function safety_record_stays();

create trigger certificate_revocation_stays
  before update or delete on certificate_revocation
  for each row execute function safety_record_stays();
create trigger certificate_revocation_is_not_emptied
  before truncate on certificate_revocation
  for each statement execute function safety_record_stays();

create trigger safety_test_cost_stays
  before update or delete on safety_test_cost
  for each row execute function safety_record_stays();
create trigger safety_test_cost_is_not_emptied
  before truncate on safety_test_cost
  for each statement execute function safety_record_stays();

create trigger safety_test_stays
  before delete or update of test_id, tenant, idempotency_key, fingerprint, run_id,
    candidate_model, candidate_version, candidate_sha256, candidate_folder_sha256, cost_model,
    cost_version, cost_sha256, cost_folder_sha256, optimised_models, optimised_versions,
    optimised_sha256, prompts, prompts_sha256, threshold, delta, bound_method, temperature, top_k,
    top_p, max_new_tokens, stop_strings, seed, max_prompt_tokens, chunk, alias, base_model,
    base_version, base_sha256, started_at
  on safety_test
  for each row execute function safety_record_stays();
create trigger safety_test_that_ended_stays
  before update on safety_test
  for each row when (old.state <> 'RUNNING') execute function safety_record_stays();
create trigger safety_test_is_not_emptied
  before truncate on safety_test
  for each statement execute function safety_record_stays();

-- A look is given back once, and nothing else of it changes.

create trigger look_stays
  before delete or update of test_id, arrival, prompts_sha256, prompts_count, rule, ordinal, looks,
    delta, total_delta, pool_sha256, taken_at, account, account_looks, account_delta
  on look
  for each row execute function safety_record_stays();
create trigger look_that_was_given_back_stays
  before update on look
  for each row when (old.given_back_at is not null) execute function safety_record_stays();
create trigger look_is_not_emptied
  before truncate on look
  for each statement execute function safety_record_stays();

create trigger look_set_stays
  before delete on look_set
  for each row execute function safety_record_stays();
create trigger look_set_is_not_emptied
  before truncate on look_set
  for each statement execute function safety_record_stays();

-- A prompt is free again only when every look at its set was given back.
create function look_prompt_is_free() returns trigger
language plpgsql set search_path from current as $$
begin
  if exists (
    select from look where prompts_sha256 = old.prompts_sha256 and given_back_at is null
  ) then
    raise exception 'prompt % was looked at', old.prompt_sha256;
  end if;
  return old;
end $$;

create trigger look_prompt_is_free
  before delete on look_prompt
  for each row execute function look_prompt_is_free();
create trigger look_prompt_stays
  before update on look_prompt
  for each row execute function safety_record_stays();
create trigger look_prompt_is_not_emptied
  before truncate on look_prompt
  for each statement execute function safety_record_stays();
