-- What a person was shown lately is looked up by who that is. Of suggestions from before, nobody
-- said so in a column: those persons begin anew.
-- shown_characters: length of what was shown, in UTF-16 code units; null if nothing was

alter table suggestion
  add column person           text not null default '',
  add column shown_characters integer;

create index suggestion_by_person on suggestion (tenant, person, arrival)
  where person <> '' and shown_characters is not null;
