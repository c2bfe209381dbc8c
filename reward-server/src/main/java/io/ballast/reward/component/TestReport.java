package io.ballast.reward.component;

/** What became of a completion and its tests. */
public sealed interface TestReport {
  /**
   * All tests ran.
   *
   * @param passed 0 to {@code all}
   * @param all ≥ 1
   * @param firstFailure of the first that did not; empty if all passed
   */
  record Ran(int passed, int all, String firstFailure) implements TestReport {}

  /** They did not all run, and that is the completion's own doing. */
  record Failed(String why) implements TestReport {}

  /** There is none among what should be tests. */
  record NoTests() implements TestReport {}
}
