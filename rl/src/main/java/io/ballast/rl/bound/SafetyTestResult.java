package io.ballast.rl.bound;

/** What a safety test found. There is no third answer, and nothing to fall back to. */
public sealed interface SafetyTestResult {
  /** What the decision rests on. */
  SafetyTestNumbers numbers();

  /** The upper bound is at or below the threshold. */
  record Passed(SafetyTestNumbers numbers) implements SafetyTestResult {}

  /** The upper bound is over the threshold: the candidate must not be used. */
  record NoSolutionFound(SafetyTestNumbers numbers) implements SafetyTestResult {
    /** Why. */
    public NoSolutionReason reason() {
      return numbers.method() == BoundMethod.STUDENT_T && numbers.stdCost() == 0
          ? NoSolutionReason.NO_SPREAD
          : NoSolutionReason.OVER_THRESHOLD;
    }
  }
}
