package io.ballast.standalone.cli;

import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.Run;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestOutcome;
import java.util.Locale;

/** Runs and their iterations as lines. */
final class RunTable {
  /** The heading over {@link #line}. */
  static final String HEADING =
      "%5s %8s %7s %7s %7s %7s %8s %8s %7s %6s %8s"
          .formatted(
              "iter", "reward", "spread", "cost", "bound", "λ", "KL", "entropy", "tokens",
              "dropped", "time");

  private RunTable() {}

  /** An iteration; what does not apply is a dash. */
  static String line(IterationMetrics m) {
    return String.format(
        Locale.ROOT,
        "%5d %+8.3f %7.3f %7.3f %7s %7s %8.4f %8.3f %7.1f %7d %8s",
        m.getIteration(),
        m.getMeanReward(),
        m.getMeanSpread(),
        m.getMeanCost(),
        m.hasPessimisticCost() ? number("%.3f", m.getPessimisticCost()) : "–",
        m.hasLambda() ? number("%.3f", m.getLambda()) : "–",
        m.getKlNats(),
        m.getEntropyNats(),
        m.getMeanCompletionTokens(),
        m.getDroppedCount(),
        DurationText.of(m.getSampleSeconds() + m.getJudgeSeconds() + m.getLearnSeconds()));
  }

  /** What is known of a run, a line for each thing. */
  static TextTable summary(Run run) {
    TextTable table = TextTable.plain();
    table.row("run", run.getName() + ", " + run.getRunId());
    table.row("state", state(run));
    table.row(
        "iterations",
        run.getIterationsDone()
            + " of "
            + run.getIterationsCount()
            + (run.getEarlyStopReason().isEmpty() ? "" : "; " + run.getEarlyStopReason()));
    table.row("from", ModelOptions.text(run.getBaseVersion()));
    if (run.hasCandidateVersion()) {
      table.row("candidate", ModelOptions.text(run.getCandidateVersion()));
    }
    if (run.hasSafetyTest()) {
      table.row("safety test", test(run.getSafetyTest()));
      if (!run.getSafetyTest().getCertificateId().isEmpty()) {
        table.row(
            "certificate",
            run.getSafetyTest().getCertificateId()
                + "; ./mesh models certificate "
                + run.getSafetyTest().getCertificateId());
      }
    }
    if (!run.getMessage().isEmpty()) {
      table.row("because", run.getMessage());
    }
    switch (run.getState()) {
      case RUN_STATE_PROMOTED -> table.row("undo", "./mesh models rollback");
      case RUN_STATE_HELD -> table.row("promote", "./mesh runs promote " + run.getRunId());
      case RUN_STATE_FAILED -> table.row("go on", "./mesh runs resume " + run.getRunId());
      default -> {}
    }
    return table;
  }

  /** A run's state in words. */
  static String state(Run run) {
    return SuggestCommand.words(run.getState().name(), "RUN_STATE_");
  }

  private static String test(SafetyTest test) {
    String state = SuggestCommand.words(test.getState().name(), "SAFETY_TEST_STATE_");
    if (!test.hasOutcome()) {
      return state + (test.getFailureMessage().isEmpty() ? "" : ": " + test.getFailureMessage());
    }
    SafetyTestOutcome o = test.getOutcome();
    return String.format(
        Locale.ROOT,
        "%s: mean cost %.4f, upper bound %.4f %s threshold %.4f, δ = %s, n = %d, by %s",
        state,
        o.getMeanCost(),
        o.getUpperBound(),
        o.getUpperBound() <= o.getThreshold() ? "≤" : ">",
        o.getThreshold(),
        o.getDelta(),
        o.getN(),
        ModelOptions.text(test.getCostModel()));
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }
}
