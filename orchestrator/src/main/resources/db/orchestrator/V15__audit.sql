-- That a run began and how it ended is told in the audit trail, in the transaction in which it did;
-- so are promotions, which are ends too. Runs of before are on record in run.

create function run_is_audited() returns trigger
language plpgsql set search_path from current as $$
begin
  perform audit_append(
    case tg_op when 'INSERT' then 'run.create' else 'run.' || lower(new.state) end,
    new.tenant, '', new.run_id, '',
    jsonb_strip_nulls(jsonb_build_object(
      'name', new.name,
      'base', new.base_model || '/' || new.base_version,
      'candidate', new.candidate_model || '/' || new.candidate_version)));
  return null;
end $$;

-- deferred: the trail is locked last
create constraint trigger run_is_audited
  after insert on run deferrable initially deferred
  for each row execute function run_is_audited();

create constraint trigger run_end_is_audited
  after update on run deferrable initially deferred
  for each row when (
    old.state is distinct from new.state
    and new.state not in ('QUEUED', 'LEARNING', 'TESTING', 'PAUSED'))
  execute function run_is_audited();
