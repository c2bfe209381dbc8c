-- Safety tests, the looks that they spend, and certificates with the costs they rest on.

create table safety_test (
  test_id            uuid primary key,
  arrival            bigint generated always as identity,
  tenant             text not null,
  idempotency_key    text,
  fingerprint        text not null,
  run_id             text not null,
  state              text not null check (state in ('RUNNING', 'PASSED', 'NO_SOLUTION_FOUND', 'FAILED')),
  -- how often a process took the test over; what an earlier claim writes is refused
  claim              integer not null default 0,
  candidate_model    text not null,
  candidate_version  text not null,
  candidate_sha256   text not null,
  cost_model         text not null,
  cost_version       text not null,
  cost_sha256        text not null,
  optimised_models   text[] not null,
  optimised_versions text[] not null,
  optimised_sha256   text[] not null,
  prompts            text[] not null,
  prompts_sha256     text not null,
  threshold          double precision not null,
  delta              double precision not null,
  bound_method       text not null,
  temperature        double precision not null,
  top_k              integer not null,
  top_p              double precision not null,
  max_new_tokens     integer not null,
  stop_strings       text[] not null,
  seed               bigint not null,
  max_prompt_tokens  integer not null,
  started_at         timestamptz not null,
  ended_at           timestamptz,
  judged_count       integer not null default 0,
  failed_items_count integer,
  mean_cost          double precision,
  std_cost           double precision,
  upper_bound        double precision,
  failure_message    text not null default '',
  unique (tenant, idempotency_key)
);

create index safety_test_by_run on safety_test (run_id, arrival);
create index safety_test_running on safety_test (arrival) where state = 'RUNNING';

-- One look: a prompt is spent once on a candidate, by whatever name its weights go.
create table spent_prompt (
  candidate_sha256 text not null,
  prompt_sha256    text not null,
  test_id          uuid not null references safety_test,
  primary key (candidate_sha256, prompt_sha256)
);

create index spent_prompt_by_test on spent_prompt (test_id);

-- position: the prompt's, from 1
create table safety_test_cost (
  test_id  uuid not null references safety_test,
  position integer not null,
  cost     double precision not null,
  primary key (test_id, position)
);

create table certificate (
  certificate_id     uuid primary key,
  test_id            uuid not null unique references safety_test,
  candidate_model    text not null,
  candidate_version  text not null,
  candidate_sha256   text not null,
  cost_model         text not null,
  cost_version       text not null,
  cost_sha256        text not null,
  optimised_models   text[] not null,
  optimised_versions text[] not null,
  optimised_sha256   text[] not null,
  n                  integer not null,
  mean_cost          double precision not null,
  std_cost           double precision not null,
  upper_bound        double precision not null,
  threshold          double precision not null,
  delta              double precision not null,
  bound_method       text not null,
  failed_items_count integer not null,
  temperature        double precision not null,
  top_k              integer not null,
  top_p              double precision not null,
  max_new_tokens     integer not null,
  stop_strings       text[] not null,
  seed               bigint not null,
  prompts_sha256     text not null,
  costs_sha256       text not null,
  issued_at          timestamptz not null,
  digest_sha256      text not null
);
