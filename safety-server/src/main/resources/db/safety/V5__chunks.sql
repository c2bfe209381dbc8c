-- How many prompts one call for completions has: the seeds of a test's calls depend on it.

-- 0: of before it was stored
alter table safety_test add column chunk integer not null default 0;
alter table certificate add column chunk integer not null default 0;
