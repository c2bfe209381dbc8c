package io.ballast.orchestrator.core.promotion;

import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.core.spec.PromotionMode;
import java.util.Locale;

/** What follows from a safety test. */
public sealed interface Decision {
  /** The candidate may serve. */
  record Promote() implements Decision {}

  /** The candidate passed and is kept from serving. */
  record Hold(String reason) implements Decision {}

  /** The candidate did not pass; the serving version stays. */
  record NoSolutionFound(String reason) implements Decision {}

  /** The test has not ended. */
  record Wait() implements Decision {}

  /** The test could not be carried out; another may be tried. */
  record TestFailed(String reason) implements Decision {}

  /**
   * Decides on {@code report}. There is nothing to fall back to.
   *
   * @param alarms of the watch over the rewards, in words, which a person has to accept; empty if
   *     there are none
   */
  static Decision of(PromotionMode mode, SafetyTestReport report, String alarms) {
    return switch (report.state()) {
      case RUNNING -> new Wait();
      case FAILED ->
          new TestFailed("the safety test failed: " + report.failureMessage() + spent(report));
      case ABORTED ->
          new TestFailed(
              "the safety test was aborted and says nothing: "
                  + report.failureMessage()
                  + spent(report));
      case NO_SOLUTION_FOUND -> new NoSolutionFound(numbers(report));
      case PASSED -> passed(mode, report, alarms);
    };
  }

  private static String spent(SafetyTestReport report) {
    return report.spent() ? "; its look at its prompts and its part of delta are used up" : "";
  }

  private static Decision passed(PromotionMode mode, SafetyTestReport report, String alarms) {
    if (mode != PromotionMode.NEVER && !alarms.isEmpty()) {
      return new Hold(
          "passed; its rewards cannot be believed: %s; PromoteCandidate promotes it if accept_alarms is set"
              .formatted(alarms));
    }
    return switch (mode) {
      case AUTOMATIC -> new Promote();
      case WAIT -> new Hold("passed; PromoteCandidate promotes it");
      case NEVER -> new Hold("passed; the spec says promotion: NEVER");
    };
  }

  private static String numbers(SafetyTestReport report) {
    SafetyTestReport.Outcome outcome = report.outcome();
    return outcome == null
        ? "No Solution Found"
            + (report.sealed() ? "; its numbers are kept back until the set of prompts closes" : "")
        : String.format(
            Locale.ROOT,
            "No Solution Found: upper bound %.4f over threshold %.4f (n %,d, mean %.4f, δ %.3f)",
            outcome.upperBound(),
            outcome.threshold(),
            outcome.n(),
            outcome.meanCost(),
            outcome.delta());
  }
}
