-- Whoever reads the log of decisions from a time on finds its place there, and walks over nothing
-- that is older.

create index suggestion_since on suggestion (decided_at, position) where position is not null;
