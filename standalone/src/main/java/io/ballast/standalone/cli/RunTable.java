package io.ballast.standalone.cli;

import io.ballast.orchestrator.adapter.IterationScalars;
import io.ballast.orchestrator.v1.ConstraintMetrics;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.MeasuredCost;
import io.ballast.orchestrator.v1.PromptSource;
import io.ballast.orchestrator.v1.RewardWatch;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunAlarm;
import io.ballast.orchestrator.v1.SamplingRounds;
import io.ballast.orchestrator.v1.WatchAction;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestOutcome;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Runs and their iterations as lines. */
final class RunTable {
  /** The heading over {@link #line}. */
  static final String HEADING =
      "%5s %8s %7s %8s %7s %7s %7s %8s %8s %7s %6s %8s"
          .formatted(
              "iter", "reward", "spread", "gold", "cost", "bound", "λ", "KL", "entropy", "tokens",
              "dropped", "time");

  private static final String TOKENS_PER_SECOND = "tokens_per_second/";

  private RunTable() {}

  /** An iteration; what does not apply is a dash. */
  static String line(IterationMetrics m) {
    return String.format(
        Locale.ROOT,
        "%5d %8s %7s %8s %7.3f %7s %7s %8s %8.3f %7.1f %7d %8s",
        m.getIteration(),
        m.hasMeanReward() ? number("%+.3f", m.getMeanReward()) : "–",
        m.hasMeanSpread() ? number("%.3f", m.getMeanSpread()) : "–",
        gold(m),
        m.getMeanCost(),
        m.hasPessimisticCost() ? number("%.3f", m.getPessimisticCost()) : "–",
        m.hasLambda() ? number("%.3f", m.getLambda()) : "–",
        m.hasKlNats() ? number("%.4f", m.getKlNats()) : "–",
        m.getEntropyNats(),
        m.getMeanCompletionTokens(),
        m.getDroppedCount(),
        DurationText.of(m.getSampleSeconds() + m.getJudgeSeconds() + m.getLearnSeconds()));
  }

  private static String gold(IterationMetrics m) {
    return switch (m.getGoldOutcomeCase()) {
      case GOLD -> number("%+.3f", m.getGold().getMeanGold());
      case GOLD_FAILURE -> "failed";
      case GOLDOUTCOME_NOT_SET -> "–";
    };
  }

  /**
   * What there is to say of an iteration below its line: gold that failed, rounds of sampling, an
   * update that was skipped, an evaluation, constraints, measured harm, alarms.
   *
   * @param before the iteration before; alarms that it had too are not said again
   */
  static List<String> remarks(IterationMetrics m, @Nullable IterationMetrics before) {
    List<String> remarks = new ArrayList<>();
    if (m.hasGoldFailure()
        && (before == null || !m.getGoldFailure().equals(before.getGoldFailure()))) {
      remarks.add(
          "      no gold: %s: %s"
              .formatted(m.getGoldFailure().getReason(), m.getGoldFailure().getMessage()));
    }
    if (m.hasRounds()) {
      SamplingRounds rounds = m.getRounds();
      remarks.add(
          "      rounds: %d, groups with a signal: %d of %d"
              .formatted(
                  rounds.getRoundsCount(),
                  rounds.getKeptGroupsCount(),
                  rounds.getSampledGroupsCount()));
    }
    if (!SkippedText.of(m).isEmpty()) {
      remarks.add("      " + SkippedText.of(m));
    }
    if (!EvaluationText.of(m).isEmpty()) {
      remarks.add("      evaluation: " + EvaluationText.of(m));
    }
    if (m.getConstraintsCount() > 1) {
      remarks.add(
          m.getConstraintsList().stream()
              .map(RunTable::constraint)
              .collect(Collectors.joining(", ", "      constraints: ", "")));
    }
    if (m.getMeasuredCount() > 0) {
      remarks.add(
          m.getMeasuredList().stream()
              .map(RunTable::measured)
              .collect(Collectors.joining(", ", "      harm measured: ", "")));
    }
    for (RunAlarm alarm : m.getAlarmsList()) {
      if (before == null
          || before.getAlarmsList().stream().noneMatch(earlier -> same(earlier, alarm))) {
        remarks.add("      alarm: " + words(alarm));
      }
    }
    return remarks;
  }

  private static boolean same(RunAlarm one, RunAlarm other) {
    return one.getKind() == other.getKind() && one.getConstraint().equals(other.getConstraint());
  }

  private static String constraint(ConstraintMetrics c) {
    return c.getName()
        + number(" cost %.3f", c.getMeanCost())
        + (c.hasBound() ? number(" bound %.3f", c.getBound()) : "")
        + (c.hasTarget() ? number(" of %.3f", c.getTarget()) : "")
        + (c.hasLambda() ? number(" λ %.3f", c.getLambda()) : "");
  }

  private static String measured(MeasuredCost measured) {
    return switch (measured.getOutcomeCase()) {
      case VALUE ->
          String.format(
              Locale.ROOT,
              "%s %.3f where cost is %.3f (n = %d)",
              measured.getName(),
              measured.getValue().getMeanHarm(),
              measured.getValue().getMeanCost(),
              measured.getValue().getScoredCount());
      case FAILURE -> measured.getName() + " failed: " + measured.getFailure().getMessage();
      case OUTCOME_NOT_SET -> measured.getName() + " –";
    };
  }

  /** Prints iterations with what there is to remark on them. */
  static void print(Printing printing, List<IterationMetrics> iterations) {
    printing.line(HEADING);
    IterationMetrics before = null;
    for (IterationMetrics each : iterations) {
      printing.line(line(each));
      remarks(each, before).forEach(printing::line);
      before = each;
    }
  }

  /** An alarm in words. */
  static String words(RunAlarm alarm) {
    String what =
        switch (alarm.getKind()) {
          case RUN_ALARM_KIND_SPREAD_GREW -> "spread";
          case RUN_ALARM_KIND_PROXY_GOLD_GAP -> "reward less gold";
          case RUN_ALARM_KIND_LAMBDA_AT_CAP -> alarm.getConstraint() + ": λ at its cap, cost";
          case RUN_ALARM_KIND_UNSPECIFIED, UNRECOGNIZED -> "something unknown";
        };
    String then =
        switch (alarm.getAction()) {
          case WATCH_ACTION_RECORD -> "recorded";
          case WATCH_ACTION_STOP -> "learning ends";
          case WATCH_ACTION_REFUSE_PROMOTION -> "the candidate waits for a person";
          case WATCH_ACTION_UNSPECIFIED, UNRECOGNIZED -> "what follows is unknown";
        };
    return String.format(
        Locale.ROOT,
        "%s %.3f over %.3f in iteration %d: %s",
        what,
        alarm.getObserved(),
        alarm.getLimit(),
        alarm.getIteration(),
        then);
  }

  /** What there is to say of a run's gold; nothing if its spec names none. */
  static List<String> gold(RewardWatch watch) {
    if (!watch.hasGoldModel()) {
      return List.of();
    }
    return watch.hasFit()
        ? GoldFitText.lines(watch.getFit(), "the first policy")
        : List.of("no fit: " + watch.getNoFitReason());
  }

  /** Where its prompts came from, a line for each source; and what was left out of it. */
  static List<String> prompts(List<PromptSource> sources) {
    List<String> lines = new ArrayList<>();
    for (PromptSource source : sources) {
      lines.add(
          "prompts of %s: %,d; bad rows, left out: %,d"
              .formatted(source.getName(), source.getPromptsCount(), source.getBadRowsCount()));
      source
          .getFirstBadRowsList()
          .forEach(bad -> lines.add("  row %,d: %s".formatted(bad.getRow(), bad.getReason())));
      if (source.getBadRowsCount() > source.getFirstBadRowsCount()) {
        lines.add("  …");
      }
    }
    return lines;
  }

  /**
   * What is known of a run, a line for each thing.
   *
   * @param iterations all that it has done, as far as they are known
   */
  static TextTable summary(Run run, Collection<IterationMetrics> iterations) {
    TextTable table = TextTable.plain();
    table.row("run", run.getName() + ", " + run.getRunId());
    table.row("state", state(run));
    table.row(
        "iterations",
        run.getIterationsDone()
            + " of "
            + run.getIterationsCount()
            + (run.getEarlyStopReason().isEmpty() ? "" : "; " + run.getEarlyStopReason()));
    if (!SkippedText.summary(iterations).isEmpty()) {
      table.row("skipped", SkippedText.summary(iterations));
    }
    if (!SpentText.of(run).isEmpty()) {
      table.row("used", SpentText.of(run));
    }
    if (run.hasLatest() && !throughput(run.getLatest()).isEmpty()) {
      table.row("tokens/s", throughput(run.getLatest()));
    }
    table.row("from", ModelOptions.text(run.getBaseVersion()));
    if (run.hasCandidateVersion()) {
      table.row(
          "candidate",
          ModelOptions.text(run.getCandidateVersion())
              + (wentBack(run)
                  ? " (the weights after iteration " + run.getCandidateIteration() + ")"
                  : ""));
    }
    if (!run.getCandidateReason().isEmpty()) {
      table.row("chosen as", run.getCandidateReason());
    }
    run.getAlarmsList().forEach(alarm -> table.row("alarm", words(alarm)));
    if (run.getConstraintTestsCount() > 1) {
      run.getConstraintTestsList()
          .forEach(each -> table.row("test of " + each.getConstraint(), test(each.getTest())));
    } else if (run.hasSafetyTest()) {
      table.row("safety test", test(run.getSafetyTest()));
    }
    if (run.hasSafetyTest()) {
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
      case RUN_STATE_HELD ->
          table.row(
              "promote",
              "./mesh runs promote " + run.getRunId() + (refused(run) ? " --accept-alarms" : ""));
      case RUN_STATE_FAILED -> table.row("go on", goOn(run));
      default -> {}
    }
    return table;
  }

  /** Tokens that were trained on a second of each phase; empty if none tells its time. */
  private static String throughput(IterationMetrics metrics) {
    Map<String, Double> scalars = IterationScalars.of(metrics);
    return Stream.of("sample", "judge", "learn")
        .filter(phase -> scalars.containsKey(TOKENS_PER_SECOND + phase))
        .map(
            phase ->
                String.format(
                    Locale.ROOT, "%s %,.0f", phase, scalars.get(TOKENS_PER_SECOND + phase)))
        .collect(Collectors.joining(", "));
  }

  /** Tokens that were trained on a second of the whole iteration; a dash without its time. */
  static String tokensPerSecond(IterationMetrics metrics) {
    double seconds =
        metrics.getSampleSeconds() + metrics.getJudgeSeconds() + metrics.getLearnSeconds();
    return seconds > 0
        ? number("%.0f", metrics.getSamplesCount() * metrics.getMeanCompletionTokens() / seconds)
        : "–";
  }

  private static String goOn(Run run) {
    String resume = "./mesh runs resume " + run.getRunId();
    String fresh = resume + " --test-prompts FILE.jsonl";
    return switch (run.getNextTest()) {
      case NEXT_TEST_NEEDS_PROMPTS -> fresh;
      case NEXT_TEST_TAKES_PROMPTS -> fresh + "; without, it tries the same prompts again";
      case NEXT_TEST_NONE -> "not at all: no part of its delta is left for another safety test";
      case NEXT_TEST_AS_PLANNED, NEXT_TEST_UNSPECIFIED, UNRECOGNIZED -> resume;
    };
  }

  private static boolean wentBack(Run run) {
    return run.getCandidateIteration() > 0 && run.getCandidateIteration() < run.getIterationsDone();
  }

  private static boolean refused(Run run) {
    return run.getAlarmsList().stream()
        .anyMatch(alarm -> alarm.getAction() == WatchAction.WATCH_ACTION_REFUSE_PROMOTION);
  }

  /** A run's state in words. */
  static String state(Run run) {
    return SuggestCommand.words(run.getState().name(), "RUN_STATE_");
  }

  /** How a safety test stands or ended. */
  static String test(SafetyTest test) {
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
