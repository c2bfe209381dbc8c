package io.ballast.policy.core.version;

/**
 * A version that somebody is served by.
 *
 * @param arm which of two, where a canary is under way
 * @param aliasRevision of the alias by which it was chosen; 0: a version was named
 */
public record Routed(Lease lease, Arm arm, long aliasRevision) implements AutoCloseable {
  /** Which of two versions. */
  public enum Arm {
    /** There is one alone. */
    NONE,
    /** The one that the alias points to. */
    CONTROL,
    /** The canary. */
    CANARY
  }

  /** Gives the version's decoder back. */
  @Override
  public void close() {
    lease.close();
  }
}
