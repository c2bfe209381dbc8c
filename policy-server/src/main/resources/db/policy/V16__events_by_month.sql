-- Suggestions and the events on them are kept by the month in the suggestion's id, a UUID of version
-- 7, which begins with its time: what is asked of one suggestion touches one partition of each table.
-- Ids of months that have none, and ids without a time, are in the default partitions.
-- fingerprint: of what was sent; the same under one key

create table feedback_key (
  tenant          text not null,
  idempotency_key text not null,
  event_id        uuid not null,
  suggestion_id   uuid not null,
  fingerprint     text not null,
  primary key (tenant, idempotency_key)
);

alter table suggestion rename to suggestion_before;
alter table suggestion_before
  drop constraint suggestion_pkey,
  drop constraint suggestion_position_key;
drop index suggestion_to_place, suggestion_by_tenant, suggestion_by_person, suggestion_since,
  suggestion_by_time, suggestion_of_person;
alter table feedback_event rename to feedback_event_before;
alter table feedback_event_before
  drop constraint feedback_event_pkey,
  drop constraint feedback_event_position_key,
  drop constraint feedback_event_tenant_idempotency_key_key;
drop index feedback_event_by_suggestion, feedback_event_to_place, feedback_event_by_tenant,
  feedback_event_by_time;

create sequence suggestion_arrival;
create sequence feedback_event_arrival;

-- body: ballast.policy.v1.SuggestionRecord
-- shown_characters: length of what was shown, in UTF-16 code units; null if nothing was
create table suggestion (
  suggestion_id    uuid not null,
  tenant           text not null,
  model            text not null,
  version          text not null,
  decision         text not null,
  reason           text not null,
  decided_at       timestamptz not null,
  body             bytea not null,
  arrival          bigint not null default nextval('suggestion_arrival'),
  position         bigint,
  person           text not null default '',
  shown_characters integer
) partition by range (suggestion_id);

-- body: ballast.policy.v1.FeedbackEvent
-- position: the place in the stream of training records; null until the event is joined and somebody reads
create table feedback_event (
  event_id        uuid not null,
  arrival         bigint not null default nextval('feedback_event_arrival'),
  tenant          text not null,
  idempotency_key text not null,
  suggestion_id   uuid not null,
  kind            text not null,
  received_at     timestamptz not null,
  body            bytea not null,
  position        bigint
) partition by range (suggestion_id);

alter sequence suggestion_arrival owned by suggestion.arrival;
alter sequence feedback_event_arrival owned by feedback_event.arrival;

create table suggestion_default partition of suggestion default;
create table feedback_event_default partition of feedback_event default;

-- The least id of a month.
create function event_month_begins(month date) returns uuid language sql immutable as $$
  select (lpad(to_hex((extract(epoch from month) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Whether a month has partitions. Asks the table: to_regclass may not know yet what others made.
create function is_event_month(month date) returns boolean
language sql volatile set search_path from current as $$
  select exists (
    select from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'suggestion'::regclass and relname = to_char(month, '"suggestion_"YYYY_MM'))
$$;

-- Makes the partitions of a month, given by its first day, with what the default partitions have of
-- it; returns whether there were none. Gives up (55P03) while others hold the tables.
create function make_event_month(month date) returns boolean
language plpgsql set search_path from current as $$
declare
  suggestions text := to_char(month, '"suggestion_"YYYY_MM');
  events      text := to_char(month, '"feedback_event_"YYYY_MM');
  begins      uuid := event_month_begins(month);
  ends        uuid := event_month_begins((month + interval '1 month')::date);
begin
  if extract(day from month) <> 1 then
    raise exception 'month: % (expected: its first day)', month;
  end if;
  if is_event_month(month) then
    return false;
  end if;
  perform pg_advisory_xact_lock(x'62616c6d6f6e7468'::bigint);
  if is_event_month(month) then
    return false;
  end if;
  set local lock_timeout = '500ms'; -- less than it takes PostgreSQL to see a deadlock
  -- nobody may have planned without the month: an insert would fail then, and a reader of the
  -- stream would pass over what moves. In the order in which a deletion locks them
  lock table only suggestion in access exclusive mode;
  lock table suggestion_default in access exclusive mode;
  lock table only feedback_event in access exclusive mode;
  lock table feedback_event_default in access exclusive mode;
  execute format('create table %I (like suggestion including defaults)', suggestions);
  execute format(
    'with moved as (delete from suggestion_default
       where suggestion_id >= %L and suggestion_id < %L returning *)
     insert into %I select * from moved', begins, ends, suggestions);
  execute format(
    'alter table suggestion attach partition %I for values from (%L) to (%L)',
    suggestions, begins, ends);
  execute format('create table %I (like feedback_event including defaults)', events);
  execute format(
    'with moved as (delete from feedback_event_default
       where suggestion_id >= %L and suggestion_id < %L returning *)
     insert into %I select * from moved', begins, ends, events);
  execute format(
    'alter table feedback_event attach partition %I for values from (%L) to (%L)',
    events, begins, ends);
  return true;
end $$;

-- Drops the partitions of a month that has nothing; returns whether it did.
create function drop_event_month(month date) returns boolean
language plpgsql set search_path from current as $$
declare
  suggestions text := to_char(month, '"suggestion_"YYYY_MM');
  events      text := to_char(month, '"feedback_event_"YYYY_MM');
  something   boolean;
begin
  perform pg_advisory_xact_lock(x'62616c6d6f6e7468'::bigint);
  if not is_event_month(month) then
    return false;
  end if;
  set local lock_timeout = '500ms';
  for look in 1..2 loop
    execute format(
      'select exists (select from %I) or exists (select from %I)', suggestions, events)
      into something;
    if something then
      return false;
    end if;
    if look = 1 then -- nobody waits for the first, which may walk over what is deleted
      lock table only suggestion, only feedback_event in access exclusive mode;
    end if;
  end loop;
  execute format('drop table %I, %I', suggestions, events);
  return true;
end $$;

-- All that is there moves: into the months that ids with a likely time have.
do $$
begin
  perform make_event_month(month) from (
    select distinct date_trunc('month', at at time zone 'UTC')::date as month from (
      select to_timestamp(
        ('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint / 1000) as at
      from (
        select suggestion_id as id from suggestion_before
        union all select suggestion_id from feedback_event_before) ids
      where substr(id::text, 15, 1) = '7') times
    where at >= '2020-01-01T00:00:00Z' and at < now() + interval '1 month') months
  order by month;
  perform make_event_month((date_trunc('month', now() at time zone 'UTC')
    + ahead * interval '1 month')::date)
  from generate_series(0, 2) ahead;
end $$;

insert into suggestion (suggestion_id, tenant, model, version, decision, reason, decided_at, body,
  arrival, position, person, shown_characters)
select suggestion_id, tenant, model, version, decision, reason, decided_at, body,
  arrival, position, person, shown_characters
from suggestion_before;

insert into feedback_key (tenant, idempotency_key, event_id, suggestion_id, fingerprint)
select tenant, idempotency_key, event_id, suggestion_id, fingerprint from feedback_event_before;

insert into feedback_event (event_id, arrival, tenant, idempotency_key, suggestion_id, kind,
  received_at, body, position)
select event_id, arrival, tenant, idempotency_key, suggestion_id, kind, received_at, body, position
from feedback_event_before;

select setval('suggestion_arrival', max(arrival)) from suggestion_before having count(*) > 0;
select setval('feedback_event_arrival', max(arrival)) from feedback_event_before
having count(*) > 0;

drop table suggestion_before, feedback_event_before;

alter table suggestion add primary key (suggestion_id);
create index suggestion_to_place on suggestion (arrival) where position is null;
create index suggestion_by_position on suggestion (position) where position is not null;
create index suggestion_by_tenant on suggestion (tenant, position) where position is not null;
create index suggestion_since on suggestion (decided_at, position) where position is not null;
create index suggestion_by_time on suggestion (decided_at);
create index suggestion_by_person on suggestion (tenant, person, arrival)
  where person <> '' and shown_characters is not null;
create index suggestion_of_person on suggestion (tenant, person) where person <> '';

-- arrival: the place of an event among those on its suggestion, too
alter table feedback_event add primary key (suggestion_id, arrival);
create index feedback_event_to_place on feedback_event (arrival) where position is null;
create index feedback_event_by_tenant on feedback_event (tenant, position)
  where position is not null;
create index feedback_event_by_time on feedback_event (received_at);

analyze suggestion, feedback_event, feedback_key;

-- A key goes with its event.
create function feedback_key_goes() returns trigger
language plpgsql set search_path from current as $$
begin
  delete from feedback_key k using gone
  where k.tenant = gone.tenant and k.idempotency_key = gone.idempotency_key
    and k.event_id = gone.event_id;
  return null;
end $$;

create trigger feedback_key_goes
  after delete on feedback_event referencing old table as gone
  for each statement execute function feedback_key_goes();
