package io.ballast.loadtest.capacity;

import java.util.Locale;

/** What a call of an application spends processor time in. */
public enum Server {
  /** Who asks: elsewhere in production, on the same machine where figures are checked. */
  CALLER,
  POLICY_SERVER,
  REWARD_SERVER,
  SAFETY_SERVER,
  /** PostgreSQL. It is one, whatever there is of the others. */
  DATABASE;

  /** As people write it: {@code policy-server}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
