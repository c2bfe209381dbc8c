-- The group of each held-out prompt, such as the file that it is from; empty: they have none.

alter table run_prompts
  add column test_groups text[] not null default '{}',
  add constraint run_prompts_groups check (cardinality(test_groups) in (0, cardinality(test)));
