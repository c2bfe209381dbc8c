package io.ballast.inference.grammar;

/**
 * What the making of one grammar may cost, in looks at a state or transition. All that is done for
 * it is paid here, and before it is done.
 */
final class EffortBudget {
  /** The most effort for one grammar. */
  static final long MAX_EFFORT = 5_000_000;

  private long spent;

  /**
   * Pays for what is about to be done.
   *
   * @throws IllegalArgumentException if that is more than is left
   */
  void spend(long effort) {
    spent += effort;
    if (spent > MAX_EFFORT) {
      throw new IllegalArgumentException(
          "too complex: more than %,d looks at a state or transition on the way"
              .formatted(MAX_EFFORT));
    }
  }

  /** What has been paid. */
  long spent() {
    return spent;
  }
}
