-- Every decision gets its place in the stream of decisions when somebody first reads that far, as
-- events do in the stream of training records.

alter table suggestion
  add column arrival  bigint generated always as identity,
  add column position bigint unique;

create index suggestion_to_place on suggestion (arrival) where position is null;
create index suggestion_by_tenant on suggestion (tenant, position) where position is not null;

create sequence decision_position;
