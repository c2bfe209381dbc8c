-- Accounts of delta: what all looks at one candidate's weights, and all looks of one named account,
-- have of it together.

-- account: the name, '' where the test gave none; account_looks: that share account_delta, 0: not shared
alter table look
  add column account       text not null default '',
  add column account_looks integer not null default 0 check (account_looks >= 0),
  add column account_delta double precision not null default 0;

update look set account_delta = total_delta;

alter table look
  alter column account_delta drop default,
  add constraint look_has_account_delta check (account_delta > 0);

create index look_by_account on look (account, arrival) where account <> '';
create index safety_test_by_candidate on safety_test (candidate_sha256);

-- account_delta 0: of before accounts were signed
alter table certificate
  add column account                text not null default '',
  add column account_looks          integer not null default 0,
  add column account_delta          double precision not null default 0,
  add column earlier_weights_looks  integer not null default 0,
  add column earlier_weights_delta  double precision not null default 0,
  add column earlier_account_looks  integer not null default 0,
  add column earlier_account_delta  double precision not null default 0;
