package io.ballast.loadtest.report;

import io.ballast.loadtest.call.KeptFeedback;
import io.ballast.loadtest.openloop.CallRecord.Fate;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.Slo;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One thing that must hold of a load, and whether it did.
 *
 * @param words what must hold, for people
 * @param value what was seen, in the unit of {@code unit}; NaN: nothing
 * @param unit such as ms; may be empty
 */
public record Check(String words, double value, String unit, boolean holds) {
  private static final double PERCENT = 100;
  private static final double MILLIS = 1_000;

  /**
   * Looks at everything that a scenario asks for, and at what no load may show.
   *
   * @param kept what became of acknowledged events; null: it was not looked for
   * @param memory of the server; null: it was not looked at
   */
  public static List<Check> of(
      LoadScenario scenario,
      LoadFigures figures,
      @Nullable KeptFeedback kept,
      @Nullable MemoryTrend memory) {
    List<Check> checks = new ArrayList<>();
    scenario.slos().forEach(slo -> checks.add(of(slo, figures, scenario.measuredSeconds())));
    long wrong = figures.phases().stream().mapToLong(phase -> phase.count(Fate.WRONG)).sum();
    checks.add(new Check("no answer is wrong", wrong, "wrong", wrong == 0));
    if (kept != null) {
      String words = "each of %,d acknowledged events is kept once".formatted(kept.acknowledged());
      checks.add(
          kept.unread().isEmpty()
              ? new Check(words, kept.lost() + kept.doubled(), "lost or doubled", kept.holds())
              : new Check(
                  "%s (reading the training records: %s)".formatted(words, kept.unread()),
                  Double.NaN,
                  "",
                  false));
    }
    if (memory != null && scenario.memoryGrowth().isPresent()) {
      double limit = scenario.memoryGrowth().getAsDouble();
      checks.add(
          new Check(
              "memory in the last quarter at most %s %% above the second"
                  .formatted(Slo.number(limit * PERCENT)),
              memory.growth() * PERCENT,
              "%",
              memory.growth() <= limit));
    }
    return checks;
  }

  private static Check of(Slo slo, LoadFigures figures, double seconds) {
    CallStats calls = figures.of(slo.of());
    double good = calls.goodWithin(slo.within());
    double value =
        switch (slo.measure()) {
          case LATENCY -> calls.latency(slo.percentile());
          case ERRORS -> calls.planned() == 0 ? Double.NaN : 1 - good / calls.planned();
          case DEGRADED ->
              calls.answered() == 0 ? Double.NaN : (double) calls.degraded() / calls.answered();
          case GOODPUT -> good / seconds;
        };
    boolean holds =
        slo.measure() == Slo.Measure.GOODPUT ? value >= slo.limit() : value <= slo.limit();
    return switch (slo.measure()) {
      case LATENCY -> new Check(slo.words(), value * MILLIS, "ms", holds);
      case ERRORS, DEGRADED -> new Check(slo.words(), value * PERCENT, "%", holds);
      case GOODPUT -> new Check(slo.words(), value, "answers/s", holds);
    };
  }

  /** What was seen, for people. */
  public String seen() {
    if (Double.isNaN(value)) {
      return "nothing was seen";
    }
    String number =
        value == Math.rint(value)
            ? String.format(Locale.ROOT, "%,.0f", value)
            : String.format(Locale.ROOT, "%,.2f", value);
    return number + " " + unit;
  }
}
