-- Learning runs: what they were asked, how far they are, and what came of them.

-- fence: counts the workers that took the run up; only the last one may write
-- loop_state: what the last durable iteration hands to the next one, JSON of LoopState
-- safety_test: JSON of SafetyTestReport
create table run (
  run_id            text primary key,
  creation          bigint generated always as identity,
  tenant            text not null,
  idempotency_key   text,
  fingerprint       text not null,
  name              text not null,
  spec              text not null,
  base_model        text not null,
  base_version      text not null,
  base_sha256       text not null,
  iterations_count  integer not null,
  created_at        timestamptz not null,
  state             text not null,
  pause_asked       boolean not null,
  fence             bigint not null,
  iterations_done   integer not null,
  early_stop_reason text not null,
  candidate_model   text,
  candidate_version text,
  candidate_sha256  text,
  test_attempts     integer not null,
  safety_test       text,
  message           text not null,
  ended_at          timestamptz,
  loop_state        text not null,
  unique (tenant, idempotency_key)
);

create index run_by_tenant on run (tenant, creation desc);
create index run_active on run (creation) where state in ('QUEUED', 'LEARNING', 'TESTING');

-- the prompts as they were when the run was created
create table run_prompts (
  run_id   text primary key references run,
  training text[] not null,
  test     text[] not null
);

create table run_iteration (
  run_id                 text not null references run,
  iteration              integer not null,
  samples_count          integer not null,
  dropped_count          integer not null,
  mean_reward            double precision not null,
  mean_spread            double precision not null,
  mean_cost              double precision not null,
  pessimistic_cost       double precision,
  lambda                 double precision,
  kl_nats                double precision not null,
  entropy_nats           double precision not null,
  mean_completion_tokens double precision not null,
  loss                   double precision not null,
  gradient_norm          double precision not null,
  train_serve_gap_nats   double precision not null,
  sample_seconds         double precision not null,
  judge_seconds          double precision not null,
  learn_seconds          double precision not null,
  committed_at           timestamptz not null,
  primary key (run_id, iteration)
);
