-- Signed certificates: what they hold for, the evidence under their Merkle root, revocations.

alter table safety_test
  add column alias                   text not null default '',
  add column base_model              text not null default '',
  add column base_version            text not null default '',
  add column base_sha256             text not null default '',
  add column candidate_folder_sha256 text not null default '',
  add column cost_folder_sha256      text not null default '';

-- empty digests: of before certificates were signed
alter table safety_test_cost
  add column prompt_sha256     text not null default '',
  add column completion_sha256 text not null default '',
  add column missing           boolean not null default false;

-- format 1 is unsigned: it can be read, and allows no promotion
alter table certificate
  add column format                  integer not null default 1,
  add column alias                   text not null default '',
  add column base_model              text not null default '',
  add column base_version            text not null default '',
  add column base_sha256             text not null default '',
  add column candidate_folder_sha256 text not null default '',
  add column cost_folder_sha256      text not null default '',
  add column max_prompt_tokens       integer not null default 0,
  add column merkle_root             text not null default '',
  add column not_after               timestamptz,
  add column code_version            text not null default '',
  add column ledger_entry_id         uuid,
  add column key_id                  text not null default '',
  add column jws                     text not null default '',
  add constraint certificate_signed check (
    format = 1 or (format = 2 and jws <> '' and key_id <> '' and merkle_root <> ''
      and not_after is not null and ledger_entry_id is not null));

-- once revoked, always revoked
create table certificate_revocation (
  certificate_id uuid primary key references certificate,
  revoked_at     timestamptz not null,
  reason         text not null,
  tenant         text not null
);

-- one row: the latest time that certificates were issued or looked at, so that a clock that is
-- moved back revives none
create table certificate_clock (
  only_row boolean primary key default true check (only_row),
  latest   timestamptz not null
);
