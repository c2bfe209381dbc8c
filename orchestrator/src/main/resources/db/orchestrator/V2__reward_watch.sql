-- The watch over a run's rewards.

-- alarms: the first of each kind, JSON of a list of RunAlarm
-- candidate_iteration: the iteration after which the candidate's weights were as they are; 0: unknown, or none
alter table run
  add column alarms              text not null default '[]',
  add column candidate_iteration integer not null default 0;

-- watch: JSON of IterationWatch
alter table run_iteration
  add column watch text not null default '{}';
