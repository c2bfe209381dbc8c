-- A composite has no members, and so no spread: null, never 0.
alter table run_iteration
  alter column mean_spread drop not null;
