-- Where nothing reads the KL, nobody measures it: null, never 0.
alter table run_iteration
  alter column kl_nats drop not null;
