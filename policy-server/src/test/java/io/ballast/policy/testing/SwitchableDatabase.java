package io.ballast.policy.testing;

import io.ballast.kit.postgres.Database;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jdbi.v3.core.ConnectionException;
import org.jdbi.v3.core.Jdbi;

/** A real database that tests take away, at once or after it was asked so many times more. */
public final class SwitchableDatabase implements Database {
  private static final int ALWAYS = Integer.MAX_VALUE;

  private final Database real;
  private final AtomicInteger left = new AtomicInteger(ALWAYS);

  public SwitchableDatabase(Database real) {
    this.real = real;
  }

  /** It goes away. */
  public void stop() {
    stopAfter(0);
  }

  /** It goes away after it was asked {@code questions} times more. */
  public void stopAfter(int questions) {
    left.set(questions);
  }

  /** It is back. */
  public void startAgain() {
    left.set(ALWAYS);
  }

  @Override
  public Jdbi jdbi() {
    if (left.getAndUpdate(n -> n == ALWAYS || n == 0 ? n : n - 1) == 0) {
      throw new ConnectionException(new SQLException("connection refused", "08001"));
    }
    return real.jdbi();
  }
}
