-- What the safety-server gave leave for: a certificate is redeemed for each promotion. Promotions
-- from before have none.

alter table policy_alias_move
  add column redemption_id text not null default '',
  add constraint policy_alias_move_redeemed
    check ((kind = 'promote') = (redemption_id <> '')) not valid;
