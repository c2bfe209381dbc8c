-- Constraints by name, where there was one without.

-- constraints: JSON of a list of ConstraintReading; empty in iterations from before, whose numbers are in mean_cost, pessimistic_cost and lambda
alter table run_iteration
  add column constraints text not null default '[]';
