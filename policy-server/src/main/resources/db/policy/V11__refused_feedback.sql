-- Feedback that was acknowledged while the database was away, unseen, and that is none: its key had
-- been used for another event, or there is no such suggestion. Kept for whoever answers for it.
-- body: ballast.policy.v1.FeedbackEvent

create table feedback_refused (
  event_id        uuid primary key,
  tenant          text not null,
  idempotency_key text not null,
  suggestion_id   uuid not null,
  kind            text not null,
  received_at     timestamptz not null,
  reason          text not null,
  body            bytea not null
);
