-- What is watched of canaries: what was fixed when each was first seen, every number that its bounds
-- rest on, and how it ended. Who watches holds a lease, by the database's clock.

create table canary_watch (
  watch_id        uuid primary key,
  arrival         bigint generated always as identity,
  model           text not null check (model <> ''),
  alias           text not null check (alias <> ''),
  start_revision  bigint not null check (start_revision >= 1),
  canary_version  text not null check (canary_version <> ''),
  control_version text not null check (control_version <> ''),
  share           double precision not null check (share > 0 and share <= 0.5),
  certificate_id  uuid not null references certificate,
  started_at      timestamptz not null,
  cost_model      text not null check (cost_model <> ''),
  cost_version    text not null check (cost_version <> ''),
  cost_sha256     text not null,
  cost_folder_sha256 text not null,
  binary_cost     boolean not null,
  cost_limit      double precision not null check (cost_limit >= 0 and cost_limit < 1),
  accept_margin   double precision not null check (accept_margin >= 0 and accept_margin < 1),
  alpha           double precision not null check (alpha > 0 and alpha < 1),
  least_decisions integer not null check (least_decisions >= 1),
  horizon_ms      bigint not null check (horizon_ms > 0),
  feedback_wait_ms bigint not null check (feedback_wait_ms >= 0),
  max_blind_ms    bigint not null check (max_blind_ms > 0),
  when_held       text not null check (when_held in ('REPORT', 'COMPLETE')),
  opened_at       timestamptz not null,
  -- how often a process took the watch over; what an earlier claim writes is refused
  claim           integer not null default 0,
  leased_until    timestamptz,
  -- where in the log of decisions costs and answers were last read; empty: nowhere
  cost_cursor     text not null default '',
  accept_cursor   text not null default '',
  read_at         timestamptz not null,
  trouble         text not null default '',
  troubled_at     timestamptz,
  -- of the observations, as they are now or were when it was decided
  missing_count   integer not null default 0,
  cost_count      integer not null default 0,
  cost_mean       double precision not null default 0,
  cost_lower      double precision not null default 0,
  cost_upper      double precision not null default 1,
  canary_count    integer not null default 0,
  canary_mean     double precision not null default 0,
  canary_lower    double precision not null default 0,
  canary_upper    double precision not null default 1,
  control_count   integer not null default 0,
  control_mean    double precision not null default 0,
  control_lower   double precision not null default 0,
  control_upper   double precision not null default 1,
  shortfall_count integer not null default 0,
  shortfall_mean  double precision not null default 0,
  shortfall_lower double precision not null default -1,
  shortfall_upper double precision not null default 1,
  verdict         text not null default 'UNDECIDED' check (verdict in ('UNDECIDED', 'HELD',
    'NO_BREACH_BY_HORIZON', 'COST_OVER_LIMIT', 'ACCEPT_BELOW_CONTROL', 'BLIND')),
  reason          text not null default '',
  -- that the watch rolls it back: final
  decided_at      timestamptz,
  state           text not null default 'WATCHING' check (state in ('WATCHING', 'ROLLING_BACK',
    'ROLLED_BACK', 'COMPLETED', 'SUPERSEDED')),
  ended_at        timestamptz,
  -- what the alias's move says that ended it
  end_move        text not null default '',
  unique (model, alias, start_revision),
  constraint canary_watch_ends check (
    (state in ('ROLLED_BACK', 'COMPLETED', 'SUPERSEDED')) = (ended_at is not null)),
  constraint canary_watch_troubles check ((trouble <> '') = (troubled_at is not null)),
  constraint canary_watch_decides check (
    case when decided_at is null then state <> 'ROLLING_BACK'
    else state <> 'WATCHING' and reason <> ''
      and verdict in ('COST_OVER_LIMIT', 'ACCEPT_BELOW_CONTROL', 'BLIND') end)
);

create index canary_watch_under_way on canary_watch (model, arrival) where ended_at is null;

-- arrival: the order in which the bounds saw them
create table canary_observation (
  watch_id      uuid not null references canary_watch,
  kind          text not null check (kind in ('COST', 'ACCEPT')),
  suggestion_id uuid not null,
  arrival       bigint generated always as identity,
  arm           text not null check (arm in ('CONTROL', 'CANARY')),
  value         double precision not null check (value between 0 and 1),
  -- there was no cost; it counts as 1
  missing       boolean not null,
  primary key (watch_id, kind, suggestion_id),
  constraint canary_observation_missing check (not missing or (kind = 'COST' and value = 1)),
  constraint canary_observation_arm check (kind = 'ACCEPT' or arm = 'CANARY'),
  constraint canary_observation_answer check (kind = 'COST' or value in (0, 1))
);

create unique index canary_observation_in_order on canary_observation (watch_id, arrival);

create trigger canary_observation_stays
  before update or delete on canary_observation
  for each row execute function safety_record_stays();
create trigger canary_observation_is_not_emptied
  before truncate on canary_observation
  for each statement execute function safety_record_stays();

-- What comes after the decision is not what it rests on.
create function canary_observation_is_of_a_watch() returns trigger
language plpgsql set search_path from current as $$
begin
  if not exists (
    select from canary_watch where watch_id = new.watch_id and state = 'WATCHING'
  ) then
    raise exception 'canary watch % is over', new.watch_id;
  end if;
  return new;
end $$;

create trigger canary_observation_is_of_a_watch
  before insert on canary_observation
  for each row execute function canary_observation_is_of_a_watch();

create trigger canary_watch_stays
  before delete or update of watch_id, arrival, model, alias, start_revision, canary_version,
    control_version, share, certificate_id, started_at, cost_model, cost_version, cost_sha256,
    cost_folder_sha256, binary_cost, cost_limit, accept_margin, alpha, least_decisions, horizon_ms,
    feedback_wait_ms, max_blind_ms, when_held, opened_at
  on canary_watch
  for each row execute function safety_record_stays();
create trigger canary_watch_that_ended_stays
  before update on canary_watch
  for each row when (old.ended_at is not null) execute function safety_record_stays();
create trigger canary_watch_that_decided_stays
  before update of missing_count, cost_count, cost_mean, cost_lower, cost_upper, canary_count,
    canary_mean, canary_lower, canary_upper, control_count, control_mean, control_lower,
    control_upper, shortfall_count, shortfall_mean, shortfall_lower, shortfall_upper, verdict, reason, decided_at, cost_cursor, accept_cursor
  on canary_watch
  for each row when (old.decided_at is not null) execute function safety_record_stays();
create trigger canary_watch_is_not_emptied
  before truncate on canary_watch
  for each statement execute function safety_record_stays();
