-- rounds: JSON of RoundsReading, how an iteration got the groups with a signal; empty where those without one are not left out
alter table run_iteration
  add column rounds text not null default '{}';
