-- Which orchestrator works on a run: until when by the clock of this database, unless it renews that.
create table run_lease (
  run_id   text primary key references run,
  holder   text not null,
  ends_at  timestamptz not null
);
