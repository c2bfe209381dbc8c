package io.ballast.loadtest.bench;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.loadtest.openloop.Latencies;
import io.ballast.rl.gate.GateOutcome;
import io.ballast.safety.adapter.FolderGates;
import io.ballast.safety.core.SafetyMonitor;
import io.ballast.safety.core.cost.CostAnswer;
import io.ballast.safety.core.gate.GateCall;
import io.ballast.safety.core.gate.GateChoice;
import io.ballast.safety.core.gate.GateContext;
import io.ballast.safety.core.gate.GateFlow;
import io.ballast.safety.core.gate.GateSettings;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.gate.GateSuggestion;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;

/**
 * Both stages of the display gate on one thread, features included: what a decision costs beside
 * the generation that it judges. Decisions come evenly; one that waits for the one before counts
 * from when it was due.
 */
final class GateBench {
  private static final double RATE = 1_000;
  private static final int WARM_UP_CALLS = 20_000;
  private static final int CALLS = 3_000;
  private static final int PROMPTS = 512;
  private static final int CHARACTERS = 2_500;
  private static final double GOAL_MILLIS = 1;
  private static final double NANOS = 1e9;
  private static final double TAIL = 99;

  private final Path models;
  private final int repetitions;
  private final LongSupplier nanoTime;
  private final Runnable progress;

  /**
   * Binds what is measured.
   *
   * @param models where java-gate-context/1 and java-gate-suggestion/1 are
   * @param progress told after each repetition
   */
  GateBench(Path models, int repetitions, LongSupplier nanoTime, Runnable progress) {
    this.models = models;
    this.repetitions = repetitions;
    this.nanoTime = nanoTime;
    this.progress = progress;
  }

  /** How often {@code progress} is told. */
  static int steps(int repetitions) {
    return repetitions;
  }

  List<Figure> run() {
    List<GateContext> places = new ArrayList<>();
    for (int i = 0; i < PROMPTS; i++) {
      places.add(GateContext.of(prompt(i)));
    }
    GateSettings settings =
        new GateSettings(
            new GateChoice("java-gate-context", "1"),
            new GateChoice("java-gate-suggestion", "1"),
            1 << 16,
            false,
            Map.of());
    try (GateFlow gate =
        new GateFlow(new FolderGates(List.of(models)), settings, new SilentMonitor())) {
      for (int i = 0; i < WARM_UP_CALLS; i++) {
        decide(gate, places, i);
      }
      List<Double> tails = new ArrayList<>();
      List<Double> means = new ArrayList<>();
      for (int repetition = 0; repetition < repetitions; repetition++) {
        Latencies seen = measure(gate, places);
        tails.add(seen.nanosAt(TAIL) / 1e6);
        means.add(seen.meanNanos() / 1e6);
        progress.run();
      }
      String what = "both gate stages with their features, one thread, %,.0f/s: ".formatted(RATE);
      return List.of(
          figure(what + "p99", tails, new Goal.Below(GOAL_MILLIS)),
          figure(what + "mean", means, new Goal.Reported()));
    }
  }

  private Latencies measure(GateFlow gate, List<GateContext> places) {
    Histogram histogram = new Histogram(3);
    long start = nanoTime.getAsLong();
    for (int i = 0; i < CALLS; i++) {
      long due = start + (long) (i * NANOS / RATE);
      while (nanoTime.getAsLong() < due) {
        Thread.onSpinWait();
      }
      decide(gate, places, i);
      histogram.recordValue(nanoTime.getAsLong() - due);
    }
    return new Latencies(histogram);
  }

  private static void decide(GateFlow gate, List<GateContext> places, int index) {
    GateContext place = places.get(index % places.size());
    GateSuggestion suggestion =
        new GateSuggestion(
            BenchTexts.completions(index % 7 + 1).getLast(),
            PerToken.of(-0.2f, -0.9f, -0.1f, -0.4f),
            Optional.of(StopReason.STOP_STRING));
    var unusedOne = gate.decideGeneration(place, GateCall.of(index));
    var unusedTwo = gate.decideDisplay(place, suggestion, GateCall.of(index));
  }

  private static String prompt(int index) {
    StringBuilder text = new StringBuilder(BenchTexts.context(index));
    for (int more = 1; text.length() < CHARACTERS; more++) {
      text.insert(0, BenchTexts.context(index + 31L * more) + "\n");
    }
    return text.toString();
  }

  private static Figure figure(String name, List<Double> values, Goal goal) {
    List<Double> sorted = values.stream().sorted().toList();
    return new Figure(
        name,
        "ms",
        sorted.get(sorted.size() / 2),
        sorted.getFirst(),
        sorted.getLast(),
        Optional.empty(),
        sorted.size(),
        goal);
  }

  /** Is told everything and keeps nothing. */
  private static final class SilentMonitor implements SafetyMonitor {
    @Override
    public <T> T watch(String step, Supplier<T> work) {
      return work.get();
    }

    @Override
    public void gateDecided(GateStage stage, GateOutcome outcome) {}

    @Override
    public void costsAnswered(CostAnswer answer) {}

    @Override
    public void testEnded(String state) {}
  }
}
