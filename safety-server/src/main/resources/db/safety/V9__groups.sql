-- Prompts that come in groups, such as several of one file: the group's mean is the observation.

-- one for each prompt, or none at all
alter table safety_test
  add column prompt_groups text[] not null default '{}',
  add constraint safety_test_groups check (cardinality(prompt_groups) in (0, cardinality(prompts)));

create trigger safety_test_groups_stay
  before update of prompt_groups on safety_test
  for each row execute function safety_record_stays();

-- from 1, in the order in which they come first; 0: none
alter table safety_test_cost add column prompt_group integer not null default 0;
alter table certificate add column groups_count integer not null default 0;
