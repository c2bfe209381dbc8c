-- spent: JSON of Spent: what a run has used up by the end of an iteration; empty in iterations from before
alter table run_iteration
  add column spent text not null default '{}';
