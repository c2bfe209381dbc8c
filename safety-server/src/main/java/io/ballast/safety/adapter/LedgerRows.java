package io.ballast.safety.adapter;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.safety.core.safetytest.LedgerEntry;
import io.ballast.safety.core.safetytest.Look;
import io.ballast.safety.core.safetytest.LookRule;
import io.ballast.safety.core.safetytest.NewTest;
import io.ballast.safety.core.safetytest.PromptSet;
import io.ballast.safety.core.safetytest.ReuseRule;
import io.ballast.safety.core.safetytest.SafetyTestStore.Start;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * The tables of the ledger of looks. Every change holds the row of its set locked, and prompts are
 * inserted in the order of their hashes, so that concurrent transactions wait and do not deadlock.
 */
final class LedgerRows {
  /** What {@link #entry} reads beside a test's own columns. */
  static final String COLUMNS =
      """
      l.rule as look_rule, l.ordinal as look_ordinal, l.looks as look_looks,
        l.total_delta as look_total_delta, l.prompts_count as look_prompts,
        l.pool_sha256 as look_pool, l.taken_at as look_taken_at,
        l.given_back_at as look_given_back_at, s.closed as look_closed,
        l.account as look_account, l.account_looks as look_account_looks,
        l.account_delta as look_account_delta""";

  /** Joins them to the test {@code t}. */
  static final String JOINS =
      """
      left join look l on l.test_id = t.test_id
      left join look_set s on s.prompts_sha256 = l.prompts_sha256
      """;

  private LedgerRows() {}

  /**
   * A set as it stands, its row locked.
   *
   * @param kept whether its prompts stay used whatever is given back
   */
  private record LookSet(LookRule rule, int taken, boolean closed, boolean kept) {}

  /**
   * The prompts that a test is to use, drawn from the unused ones of its pool.
   *
   * @return empty if there are too few; then {@code left} of them
   */
  static Drawing draw(Handle handle, PromptSet pool, NewTest.Draw draw, int attempt) {
    Set<String> free =
        new HashSet<>(
            handle
                .createQuery(
                    """
                    select hash from unnest(:hashes::text[]) as hash
                    where not exists (select 1 from look_prompt p where p.prompt_sha256 = hash)""")
                .bindArray("hashes", String.class, pool.promptHashes())
                .mapTo(String.class)
                .list());
    Optional<PromptSet> drawn =
        free.size() < draw.count()
            ? Optional.empty()
            : Optional.of(
                pool.drawn(free, draw.count(), new SplittableRandom(draw.seed() + attempt)));
    boolean oneGroup = drawn.isPresent() && drawn.get().groupsCount() == 1; // no sample
    return new Drawing(oneGroup ? Optional.empty() : drawn, free.size());
  }

  /**
   * What a draw gave.
   *
   * @param left how many prompts of the pool were unused
   */
  record Drawing(Optional<PromptSet> prompts, int left) {}

  /**
   * Takes a look for a test that is stored in this transaction.
   *
   * @return empty if it is taken; else why not, and the transaction is to be rolled back
   */
  static Optional<Start> take(Handle handle, NewTest test, PromptSet prompts) {
    String set = prompts.sha256();
    handle
        .createUpdate(
            """
            insert into look_set (prompts_sha256, rule, looks, total_delta, taken, closed)
            values (:set, :rule, :looks, :delta, 0, false) on conflict do nothing""")
        .bind("set", set)
        .bind("rule", test.rule().rule().name())
        .bind("looks", test.rule().looks())
        .bind("delta", test.rule().totalDelta())
        .execute();
    LookSet locked = lock(handle, set);
    if (locked.kept()) {
      return Optional.of(new Start.LookSpent(lastTest(handle, set), prompts.size()));
    }
    if (locked.taken() == 0) {
      int inserted = insertPrompts(handle, set, prompts);
      if (inserted < prompts.size()) {
        return Optional.of(
            new Start.LookSpent(firstUser(handle, set, prompts), prompts.size() - inserted));
      }
    } else if (locked.rule().rule() == ReuseRule.REFUSE) {
      return Optional.of(new Start.LookSpent(lastTest(handle, set), prompts.size()));
    } else if (!locked.rule().equals(test.rule())) {
      return Optional.of(new Start.OtherRule(locked.rule()));
    } else if (locked.closed() || locked.taken() >= locked.rule().looks()) {
      return Optional.of(new Start.SetClosed(lastTest(handle, set), hasPassed(handle, set)));
    }
    insertLook(handle, test, prompts, set);
    handle
        .createUpdate(
            """
            update look_set set rule = :rule, looks = :looks, total_delta = :delta,
              taken = taken + 1, closed = (:looks = 1)
            where prompts_sha256 = :set""")
        .bind("rule", test.rule().rule().name())
        .bind("looks", test.rule().looks())
        .bind("delta", test.rule().totalDelta())
        .bind("set", set)
        .execute();
    return Optional.empty();
  }

  private static LookSet lock(Handle handle, String set) {
    return handle
        .createQuery(
            """
            select rule, looks, total_delta, taken, closed, kept from look_set
            where prompts_sha256 = :set for update""")
        .bind("set", set)
        .map(
            (row, context) ->
                new LookSet(
                    new LookRule(
                        ReuseRule.valueOf(row.getString("rule")),
                        row.getInt("looks"),
                        row.getDouble("total_delta")),
                    row.getInt("taken"),
                    row.getBoolean("closed"),
                    row.getBoolean("kept")))
        .one();
  }

  private static int insertPrompts(Handle handle, String set, PromptSet prompts) {
    return handle
        .createUpdate(
            """
            insert into look_prompt (prompt_sha256, prompts_sha256)
            select hash, :set from unnest(:hashes::text[]) as hash order by hash
            on conflict do nothing""")
        .bind("set", set)
        .bindArray("hashes", String.class, prompts.promptHashes())
        .execute();
  }

  /** The test that used one of {@code prompts} in another set. */
  private static UUID firstUser(Handle handle, String set, PromptSet prompts) {
    return handle
        .createQuery(
            """
            select l.test_id from look_prompt p join look l using (prompts_sha256)
              join look_set s using (prompts_sha256)
            where p.prompt_sha256 = any(:hashes::text[]) and p.prompts_sha256 <> :set
              and (l.given_back_at is null or s.kept)
            order by l.given_back_at is not null, l.arrival limit 1""")
        .bindArray("hashes", String.class, prompts.promptHashes())
        .bind("set", set)
        .mapTo(UUID.class)
        .findFirst()
        .orElseThrow(
            () ->
                new MeshException(
                    Fault.VERSION_CONFLICT,
                    "spec.prompts: another test gave its look back just now; start again"));
  }

  private static UUID lastTest(Handle handle, String set) {
    return handle
        .createQuery(
            """
            select test_id from look where prompts_sha256 = :set
            order by given_back_at is not null, arrival desc limit 1""")
        .bind("set", set)
        .mapTo(UUID.class)
        .one();
  }

  private static boolean hasPassed(Handle handle, String set) {
    return handle
        .createQuery(
            """
            select exists (select 1 from look l join safety_test t using (test_id)
              where l.prompts_sha256 = :set and t.state = 'PASSED')""")
        .bind("set", set)
        .mapTo(Boolean.class)
        .one();
  }

  private static void insertLook(Handle handle, NewTest test, PromptSet prompts, String set) {
    handle
        .createUpdate(
            """
            insert into look (test_id, prompts_sha256, prompts_count, rule, ordinal, looks, delta,
              total_delta, pool_sha256, taken_at, account, account_looks, account_delta)
            select :test, :set, :count, :rule, min(free), :looks, :delta, :total, :pool, :at,
              :account, :account_looks, :account_delta
            from generate_series(1, :looks) as free
            where not exists (select 1 from look l
              where l.prompts_sha256 = :set and l.ordinal = free and l.given_back_at is null)""")
        .bind("test", test.id())
        .bind("set", set)
        .bind("count", prompts.size())
        .bind("rule", test.rule().rule().name())
        .bind("looks", test.rule().looks())
        .bind("delta", test.rule().delta())
        .bind("total", test.rule().totalDelta())
        .bind("pool", test.draw().isPresent() ? test.spec().prompts().sha256() : "")
        .bind("at", SafetyDatabase.utc(test.startedAt()))
        .bind("account", test.account().name())
        .bind("account_looks", test.account().looks())
        .bind("account_delta", test.account().totalDelta())
        .execute();
  }

  /**
   * Gives a test's look back; its prompts are free again if it was the only one and no other set
   * has them.
   */
  static void giveBack(Handle handle, UUID testId, Instant at) {
    String set = setOf(handle, testId);
    LookSet locked = lock(handle, set);
    handle
        .createUpdate("update look set given_back_at = :at where test_id = :test")
        .bind("at", SafetyDatabase.utc(at))
        .bind("test", testId)
        .execute();
    handle
        .createUpdate(
            """
            update look_set set taken = taken - 1, closed = closed and (rule = 'SPLIT' or kept)
            where prompts_sha256 = :set""")
        .bind("set", set)
        .execute();
    if (locked.taken() == 1 && !locked.kept()) {
      handle
          .createUpdate("delete from look_prompt where prompts_sha256 = :set")
          .bind("set", set)
          .execute();
    }
  }

  /** Closes the set of a test that has ended, if one has passed or none can follow. */
  static void settle(Handle handle, UUID testId) {
    String set = setOf(handle, testId);
    var unused = lock(handle, set);
    handle
        .createUpdate(
            """
            update look_set s set closed = closed
              or exists (select 1 from look l join safety_test t using (test_id)
                where l.prompts_sha256 = :set and t.state = 'PASSED')
              or (taken >= looks and not exists (select 1
                from look l join safety_test t using (test_id)
                where l.prompts_sha256 = :set and t.state = 'RUNNING'))
            where prompts_sha256 = :set""")
        .bind("set", set)
        .execute();
  }

  private static String setOf(Handle handle, UUID testId) {
    return handle
        .createQuery("select prompts_sha256 from look where test_id = :test")
        .bind("test", testId)
        .mapTo(String.class)
        .one();
  }

  static Look look(Handle handle, UUID testId) {
    return handle
        .createQuery("select rule, looks, total_delta, ordinal from look where test_id = :test")
        .bind("test", testId)
        .map(
            (row, context) ->
                new Look(
                    new LookRule(
                        ReuseRule.valueOf(row.getString("rule")),
                        row.getInt("looks"),
                        row.getDouble("total_delta")),
                    row.getInt("ordinal")))
        .one();
  }

  static List<LedgerEntry> list(
      Handle handle, String promptsSha256, Optional<String> tenant, int limit) {
    return handle
        .createQuery(
            "select t.test_id, t.prompts_sha256, t.candidate_model, t.candidate_version,"
                + " t.candidate_sha256, "
                + COLUMNS
                + " from safety_test t "
                + JOINS
                + """
                where l.test_id is not null and (:set = '' or l.prompts_sha256 = :set)
                  and (:tenant::text is null or t.tenant = :tenant)
                order by l.arrival desc limit :limit""")
        .bind("set", promptsSha256)
        .bind("tenant", tenant.orElse(null))
        .bind("limit", limit)
        .map((row, context) -> entry(row).orElseThrow())
        .list();
  }

  /** The look of a test in the {@link #COLUMNS}; empty if it has none. */
  static Optional<LedgerEntry> entry(ResultSet row) throws SQLException {
    String rule = row.getString("look_rule");
    if (rule == null) {
      return Optional.empty();
    }
    return Optional.of(
        new LedgerEntry(
            row.getObject("test_id", UUID.class),
            row.getString("prompts_sha256"),
            row.getInt("look_prompts"),
            new Look(
                new LookRule(
                    ReuseRule.valueOf(rule),
                    row.getInt("look_looks"),
                    row.getDouble("look_total_delta")),
                row.getInt("look_ordinal")),
            AccountRows.share(row),
            row.getString("look_pool"),
            SafetyRows.requireTime(row, "look_taken_at"),
            Optional.ofNullable(SafetyRows.time(row, "look_given_back_at")),
            SafetyRows.version(row, "candidate"),
            row.getBoolean("look_closed")));
  }
}
