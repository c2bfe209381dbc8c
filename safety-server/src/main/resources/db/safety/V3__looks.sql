-- The ledger of looks: a held-out prompt belongs to one set, and a set is looked at as often as its
-- rule says, by all candidates together.

create table look_set (
  prompts_sha256 text primary key,
  rule           text not null check (rule in ('REFUSE', 'SPLIT')),
  looks          integer not null check (looks >= 1),
  total_delta    double precision not null,
  taken          integer not null check (taken between 0 and looks),
  closed         boolean not null
);

create table look_prompt (
  prompt_sha256  text primary key,
  prompts_sha256 text not null references look_set
);

create index look_prompt_by_set on look_prompt (prompts_sha256);

-- one entry for each test, never deleted; ordinal: which look at the set, from 1
create table look (
  test_id        uuid primary key references safety_test,
  arrival        bigint generated always as identity,
  prompts_sha256 text not null references look_set,
  prompts_count  integer not null,
  rule           text not null check (rule in ('REFUSE', 'SPLIT')),
  ordinal        integer not null,
  looks          integer not null,
  delta          double precision not null,
  total_delta    double precision not null,
  pool_sha256    text not null,
  taken_at       timestamptz not null,
  given_back_at  timestamptz
);

create index look_by_set on look (prompts_sha256, arrival);

-- no look is taken twice, whatever the code does
create unique index look_once on look (prompts_sha256, ordinal) where given_back_at is null;

-- what was spent on one candidate is spent on all
insert into look_set (prompts_sha256, rule, looks, total_delta, taken, closed)
select distinct on (prompts_sha256) prompts_sha256, 'REFUSE', 1, delta, 1, true
from safety_test t
where exists (select 1 from spent_prompt s where s.test_id = t.test_id)
order by prompts_sha256, arrival;

insert into look_prompt (prompt_sha256, prompts_sha256)
select distinct on (s.prompt_sha256) s.prompt_sha256, t.prompts_sha256
from spent_prompt s join safety_test t using (test_id)
order by s.prompt_sha256, t.arrival;

insert into look (test_id, prompts_sha256, prompts_count, rule, ordinal, looks, delta, total_delta,
  pool_sha256, taken_at)
select t.test_id, t.prompts_sha256, cardinality(t.prompts), 'REFUSE',
  row_number() over (partition by t.prompts_sha256 order by t.arrival), 1, t.delta, t.delta, '',
  t.started_at
from safety_test t
where exists (select 1 from spent_prompt s where s.test_id = t.test_id)
order by t.arrival;

drop table spent_prompt;

alter table safety_test
  drop constraint safety_test_state_check,
  add constraint safety_test_state_check
    check (state in ('RUNNING', 'PASSED', 'NO_SOLUTION_FOUND', 'FAILED', 'ABORTED'));

-- empty and 0: of before there was a ledger
alter table certificate
  add column look_rule        text not null default '',
  add column look_ordinal     integer not null default 0,
  add column looks            integer not null default 0,
  add column look_total_delta double precision not null default 0;
