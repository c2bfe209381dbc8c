-- Judges that may depend on what the candidate's run optimised against, and how they do.

-- same_cost_model: whether the spec allows it; the others say nothing without
alter table safety_test
  add column same_cost_model     boolean not null default false,
  add column judge_was_optimised boolean not null default false,
  add column common_labels       integer not null default 0,
  add column unsaid_models       integer not null default 0;

create trigger safety_test_dependence_stays
  before update of same_cost_model, judge_was_optimised, common_labels, unsaid_models on safety_test
  for each row execute function safety_record_stays();

alter table certificate
  add column same_cost_model     boolean not null default false,
  add column judge_was_optimised boolean not null default false,
  add column common_labels       integer not null default 0,
  add column unsaid_models       integer not null default 0;
