-- A user's suggestions are found by who that is, those that were not shown too: suggestion_by_person
-- knows only what was shown, so that a deletion read the whole table.

create index suggestion_of_person on suggestion (tenant, person) where person <> '';
