-- rounds: JSON of RoundsReading, how an iteration got the groups with a signal; {} where those without one are not left out, or nobody knows them before all are judged
alter table run_iteration
  add column rounds text not null default '{}';

-- absent where no completion has a reward, which only labelled data can be
alter table run_iteration
  alter column mean_reward drop not null;
