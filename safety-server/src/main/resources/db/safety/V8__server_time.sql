-- A second opinion on what time it is: the mark of the latest time goes no further than this clock and
-- some skew, so that a computer whose clock ran ahead does not leave its time behind.

create function server_time() returns timestamptz language sql volatile as
  'select clock_timestamp()';
