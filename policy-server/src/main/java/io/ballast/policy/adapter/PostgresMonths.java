package io.ballast.policy.adapter;

import io.ballast.kit.postgres.Database;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.List;

/**
 * The months by which PostgreSQL keeps suggestions and the events on them: a partition of each
 * table for each month, by the time in the suggestion's id. Without its partition a month goes into
 * the default one, and is taken out of it when its own is made. Servers may do so at once.
 */
public final class PostgresMonths {
  /** So many months after the present one have their partitions. */
  private static final int AHEAD = 2;

  private final Database database;

  public PostgresMonths(Database database) {
    this.database = database;
  }

  /**
   * Makes the partitions of the month of {@code now} and of those ahead; returns how many months.
   */
  public int make(Instant now) {
    YearMonth month = month(now);
    int made = 0;
    for (int ahead = 0; ahead <= AHEAD; ahead++) {
      made += changed("select make_event_month(?)", month.plusMonths(ahead)) ? 1 : 0;
    }
    return made;
  }

  /**
   * Drops the partitions of months that ended before and have nothing any more; returns how many
   * months.
   */
  public int dropEmpty(Instant before) {
    YearMonth first = month(before);
    int dropped = 0;
    for (YearMonth month : months()) {
      if (month.isBefore(first)) {
        dropped += changed("select drop_event_month(?)", month) ? 1 : 0;
      }
    }
    return dropped;
  }

  private static YearMonth month(Instant time) {
    return YearMonth.from(time.atOffset(ZoneOffset.UTC));
  }

  private List<YearMonth> months() {
    return database
        .jdbi()
        .withHandle(
            handle ->
                handle
                    .createQuery(
                        """
                        select to_date(right(relname::text, 7), 'YYYY_MM') as month
                        from pg_inherits join pg_class on pg_class.oid = inhrelid
                        where inhparent = 'suggestion'::regclass
                          and relname ~ '^suggestion_\\d{4}_\\d{2}$'
                        order by month""")
                    .map((row, context) -> YearMonth.from(row.getObject("month", LocalDate.class)))
                    .list());
  }

  private boolean changed(String statement, YearMonth month) {
    return database
        .jdbi()
        .withHandle(
            handle ->
                handle.createQuery(statement).bind(0, month.atDay(1)).mapTo(Boolean.class).one());
  }
}
