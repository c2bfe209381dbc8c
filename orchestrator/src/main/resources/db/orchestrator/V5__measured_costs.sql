-- measured: JSON of a list of MeasuredReading: harm that is measured and never acted on
alter table run_iteration
  add column measured text not null default '[]';
