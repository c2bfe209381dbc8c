-- Versions, aliases, suggestions and what people did with them.

create table policy_version (
  model            text not null,
  version          text not null,
  weights_sha256   text not null,
  parent_version   text not null,
  run_id           text not null,
  registered_at    timestamptz not null,
  parameters_count bigint not null,
  context_tokens   integer not null,
  registration     bigint generated always as identity,
  primary key (model, version)
);

create table policy_alias (
  model    text not null,
  alias    text not null,
  version  text not null,
  revision bigint not null,
  primary key (model, alias),
  foreign key (model, version) references policy_version
);

create table policy_alias_move (
  model           text not null,
  alias           text not null,
  revision        bigint not null,
  from_version    text not null,
  to_version      text not null,
  moved_at        timestamptz not null,
  certificate_id  text not null,
  kind            text not null,
  tenant          text not null,
  request_id      text not null,
  idempotency_key text,
  fingerprint     text not null,
  primary key (model, alias, revision),
  foreign key (model, alias) references policy_alias,
  unique (tenant, idempotency_key)
);

-- body: ballast.policy.v1.SuggestionRecord
create table suggestion (
  suggestion_id uuid primary key,
  tenant        text not null,
  model         text not null,
  version       text not null,
  decision      text not null,
  reason        text not null,
  decided_at    timestamptz not null,
  body          bytea not null
);

-- body: ballast.policy.v1.FeedbackEvent
-- position: the place in the stream of training records; null until the event is joined and somebody reads
create table feedback_event (
  event_id        uuid primary key,
  arrival         bigint generated always as identity,
  tenant          text not null,
  idempotency_key text not null,
  fingerprint     text not null,
  suggestion_id   uuid not null,
  kind            text not null,
  received_at     timestamptz not null,
  body            bytea not null,
  position        bigint unique,
  unique (tenant, idempotency_key)
);

create index feedback_event_by_suggestion on feedback_event (suggestion_id, arrival);
create index feedback_event_to_place on feedback_event (arrival) where position is null;
create index feedback_event_by_tenant on feedback_event (tenant, position) where position is not null;

create sequence training_position;
