-- What another safety test of a run takes, and how many of the constraint under test have spent delta.

alter table run
  add column spent_attempts integer not null default 0,
  add column next_test      text not null default 'AS_PLANNED';
