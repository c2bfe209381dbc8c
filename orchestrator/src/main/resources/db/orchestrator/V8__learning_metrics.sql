-- learning: JSON of LearningMetrics: what the updates of an iteration did
alter table run_iteration
  add column learning text not null default '{}';
