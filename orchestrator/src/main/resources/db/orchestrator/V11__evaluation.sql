-- Evaluation on held-out prompts, and the choice of a candidate by it.

alter table run_prompts
  add column evaluation        text[] not null default '{}',
  add column evaluation_groups text[] not null default '{}',
  add constraint run_prompts_evaluation_groups check (cardinality(evaluation_groups) in (0, cardinality(evaluation)));

-- evaluation: JSON of EvaluationReading, of the weights after the iteration; empty where they were not evaluated
alter table run_iteration
  add column evaluation text not null default '{}';

-- candidate_reason: why it is of these weights and not of the last ones; empty where it is of those, or of what the watch went back to
alter table run
  add column candidate_reason text not null default '';
