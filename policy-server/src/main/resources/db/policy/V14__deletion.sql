-- What is older than the operator keeps it is found by its time.

create index suggestion_by_time on suggestion (decided_at);
create index feedback_event_by_time on feedback_event (received_at);
