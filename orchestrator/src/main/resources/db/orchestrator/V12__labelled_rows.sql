-- What stands beside the training prompts of a run: the number that a curriculum goes by, and what people said of completions.

-- numbers: one for each prompt; none where no source has a curriculum, and of a run from before
-- chosen, rejected: the preferred or good completion, and the other or bad one; empty text where there is none; none where the run is not one on labelled data
alter table run_prompts
  add column numbers  double precision[] not null default '{}',
  add column chosen   text[] not null default '{}',
  add column rejected text[] not null default '{}',
  add constraint run_prompts_numbers check (cardinality(numbers) in (0, cardinality(training))),
  add constraint run_prompts_labels check (cardinality(chosen) in (0, cardinality(training)) and cardinality(rejected) = cardinality(chosen));
