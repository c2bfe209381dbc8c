-- The prompts of a run that ended longer ago than they are kept are deleted; where they came from, and how many there were, stays.

-- deleted_at: since when the row has no text of anybody's; null: it has what it was given
alter table run_prompts
  add column deleted_at timestamptz,
  add constraint run_prompts_deleted check (
    deleted_at is null
    or cardinality(training) + cardinality(chosen) + cardinality(test) + cardinality(evaluation) = 0);
