package io.ballast.orchestrator.core.promotion;

import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.core.spec.PromotionMode;
import java.util.Locale;

/** What follows from a safety test. */
public sealed interface Decision {
  /** The candidate may serve, by this certificate. */
  record Promote(String certificateId) implements Decision {}

  /** The candidate passed and is kept from serving. */
  record Hold(String reason) implements Decision {}

  /** The candidate did not pass; the serving version stays. */
  record NoSolutionFound(String reason) implements Decision {}

  /** The test has not ended. */
  record Wait() implements Decision {}

  /** The test could not be carried out; another may be tried. */
  record TestFailed(String reason) implements Decision {}

  /** Decides on {@code report}. There is nothing to fall back to. */
  static Decision of(PromotionMode mode, SafetyTestReport report) {
    return switch (report.state()) {
      case RUNNING -> new Wait();
      case FAILED -> new TestFailed("the safety test failed: " + report.failureMessage());
      case NO_SOLUTION_FOUND -> new NoSolutionFound(numbers(report));
      case PASSED ->
          switch (mode) {
            case AUTOMATIC -> new Promote(report.certificateId());
            case WAIT -> new Hold("passed; PromoteCandidate promotes it");
            case NEVER -> new Hold("passed; the spec says promotion: NEVER");
          };
    };
  }

  private static String numbers(SafetyTestReport report) {
    SafetyTestReport.Outcome outcome = report.outcome();
    return outcome == null
        ? "No Solution Found"
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
