-- What happened and no topic has yet: written in the transaction in which it happened, deleted when the topic has it.
create table if not exists outbox (
  arrival    bigint generated always as identity primary key,
  event_id   uuid not null unique,
  type       text not null,
  subject    text not null,
  tenant     text not null,
  happened_at timestamptz not null,
  body       text not null,
  refusal    text -- why the topic will never take it; null: it is to be published
);

create index if not exists outbox_to_publish on outbox (arrival) where refusal is null;
