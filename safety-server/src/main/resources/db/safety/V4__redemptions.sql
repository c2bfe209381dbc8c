-- Leave to move an alias once, by a certificate: on record for good. What code forgets, the database
-- refuses.

-- ordinal: from 1; a further one only after the one before has lapsed
create table certificate_redemption (
  redemption_id   uuid primary key,
  certificate_id  uuid not null references certificate,
  alias           text not null check (alias <> ''),
  ordinal         integer not null check (ordinal >= 1),
  tenant          text not null,
  idempotency_key text not null check (idempotency_key <> ''),
  candidate_folder_sha256 text not null,
  -- empty: the alias served nothing
  base_model      text not null,
  base_version    text not null,
  base_sha256     text not null,
  alias_revision  bigint not null check (alias_revision >= 0),
  redeemed_at     timestamptz not null,
  expires_at      timestamptz not null check (expires_at > redeemed_at),
  unique (certificate_id, alias, ordinal)
);

create function safety_record_stays() returns trigger language plpgsql as $$
begin
  raise exception 'rows of % are on record for good', tg_table_name;
end $$;

create trigger certificate_redemption_stays
  before update or delete on certificate_redemption
  for each row execute function safety_record_stays();

create trigger certificate_redemption_is_not_emptied
  before truncate on certificate_redemption
  for each statement execute function safety_record_stays();
