package io.ballast.orchestrator.adapter;

import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.measure.EvaluationReading;
import io.ballast.orchestrator.core.measure.MeasuredReading;
import io.ballast.orchestrator.core.run.ConstraintReading;
import io.ballast.orchestrator.core.run.IterationMetrics;
import io.ballast.orchestrator.core.run.RoundsReading;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.Spent;
import io.ballast.orchestrator.core.watch.GoldReading;
import io.ballast.orchestrator.v1.UpdateOutcome;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Every number of the latest iteration of each run as a gauge, from its first iteration until it is
 * let go of, those of {@link IterationScalars} among them; the module's README lists the names.
 * What an iteration does not have is NaN.
 */
final class RunGauges {
  private final MeterRegistry meters;
  private final Map<String, Shown> runs = new ConcurrentHashMap<>();

  RunGauges(MeterRegistry meters) {
    this.meters = meters;
  }

  /** Shows {@code metrics} as the latest of {@code run}. */
  void show(Run run, IterationMetrics metrics) {
    shown(run).show(metrics);
  }

  /**
   * Shows how many prompts {@code run} has of each source, and what was left out.
   *
   * @return those of which more is left out than was shown before
   */
  List<ReadSource> show(Run run, List<ReadSource> sources) {
    List<ReadSource> worse = new ArrayList<>();
    for (int s = 0; s < sources.size(); s++) {
      if (shown(run).show(s, sources.get(s))) {
        worse.add(sources.get(s));
      }
    }
    return worse;
  }

  private Shown shown(Run run) {
    return runs.computeIfAbsent(
        run.runId(),
        id -> new Shown(Tags.of("run", run.name(), "run_id", id, "tenant", run.tenant())));
  }

  /** Removes the gauges of a run. */
  void remove(String runId) {
    Shown shown = runs.remove(runId);
    if (shown != null) {
      shown.remove();
    }
  }

  /** The gauges of one run. Only its worker changes it. */
  private final class Shown {
    private final Tags tags;
    private final Map<String, Meter> gauges = new LinkedHashMap<>();
    private final Map<Integer, ReadSource> sources = new ConcurrentHashMap<>();
    private volatile @Nullable IterationMetrics latest;

    private Shown(Tags tags) {
      this.tags = tags;
    }

    private void show(IterationMetrics metrics) {
      latest = metrics;
      addAlways();
      addGold();
      addEvaluation();
      addThroughput();
      metrics.learning().objective().keySet().forEach(this::addObjective);
      metrics.constraints().forEach(each -> addConstraint(each.name()));
      metrics.measured().forEach(each -> addMeasured(each.name()));
    }

    private boolean show(int index, ReadSource source) {
      ReadSource before = sources.put(index, source);
      Tags of = tags.and("source", "%d:%s".formatted(index, source.name()));
      register("prompts", of, () -> source(index).count());
      register("bad.rows", of, () -> source(index).badCount());
      return source.badCount() > (before == null ? 0 : before.badCount());
    }

    private ReadSource source(int index) {
      return Objects.requireNonNull(sources.get(index));
    }

    private void remove() {
      gauges.values().forEach(meters::remove);
    }

    private void addAlways() {
      gauge("iteration", IterationMetrics::iteration);
      gauge("samples", IterationMetrics::samplesCount);
      gauge("dropped", IterationMetrics::droppedCount);
      gauge("rounds", metrics -> rounds(metrics, RoundsReading::roundsCount));
      gauge("groups.sampled", metrics -> rounds(metrics, RoundsReading::sampledGroupsCount));
      gauge("groups.kept", metrics -> rounds(metrics, RoundsReading::keptGroupsCount));
      gauge("reward", metrics -> metrics.meanReward().orElse(Double.NaN));
      gauge("spread", metrics -> metrics.meanSpread().orElse(Double.NaN));
      gauge("kl", metrics -> metrics.klNats().orElse(Double.NaN));
      gauge("entropy", IterationMetrics::entropyNats);
      gauge("completion.tokens", IterationMetrics::meanCompletionTokens);
      gauge("loss", IterationMetrics::loss);
      gauge("gradient.norm", IterationMetrics::gradientNorm);
      gauge("train.serve.gap", IterationMetrics::trainServeGapNats);
      gauge("train.serve.gap.max", metrics -> metrics.learning().trainServeGapMaxNats());
      gauge("trained", metrics -> metrics.learning().trainedCount());
      gauge("learning.rate", metrics -> metrics.learning().learningRate());
      gauge("update.skipped", metrics -> metrics.learning().outcome().skipped() ? 1 : 0);
      gauge("update.outcome", RunGauges::outcome);
      gauge(
          "kl.coefficient", metrics -> orNaN(metrics.learning().objective().get("kl_coefficient")));
      gauge("cost", IterationMetrics::meanCost);
      gauge("lambda", metrics -> orNaN(metrics.lambda()));
      gauge("lambda.at.cap", RunGauges::atCap);
      gauge("alarms.raised", metrics -> metrics.watch().alarms().size());
      gauge("spent.completion.tokens", metrics -> spent(metrics, Spent::completionTokens));
      gauge("spent.seconds", metrics -> spent(metrics, Spent::seconds));
      gauge("spent.money", metrics -> spent(metrics, spent -> orNaN(spent.money())));
      gauge("sample.seconds", IterationMetrics::sampleSeconds);
      gauge("judge.seconds", IterationMetrics::judgeSeconds);
      gauge("learn.seconds", IterationMetrics::learnSeconds);
    }

    private void addGold() {
      gauge("gold", metrics -> gold(metrics, GoldReading.Measured::gold));
      gauge("gold.std", metrics -> gold(metrics, GoldReading.Measured::goldStd));
      gauge("gold.reward", metrics -> gold(metrics, GoldReading.Measured::proxy));
      gauge("gold.reward.std", metrics -> gold(metrics, GoldReading.Measured::proxyStd));
      gauge("gold.scored", metrics -> gold(metrics, GoldReading.Measured::scoredCount));
      gauge("gold.failed", metrics -> gold(metrics, GoldReading.Measured::failedCount));
      gauge("gold.gap", metrics -> orNaN(metrics.watch().gap()));
    }

    private void addEvaluation() {
      gauge("evaluation", metrics -> evaluation(metrics, EvaluationReading.Measured::mean));
      gauge("evaluation.low", metrics -> evaluation(metrics, EvaluationReading.Measured::low));
      gauge("evaluation.high", metrics -> evaluation(metrics, EvaluationReading.Measured::high));
      gauge(
          "evaluation.confidence",
          metrics -> evaluation(metrics, EvaluationReading.Measured::confidence));
      gauge("evaluation.n", metrics -> evaluation(metrics, EvaluationReading.Measured::unitsCount));
      gauge(
          "evaluation.scored",
          metrics -> evaluation(metrics, EvaluationReading.Measured::scoredCount));
      gauge(
          "evaluation.failed",
          metrics -> evaluation(metrics, EvaluationReading.Measured::failedCount));
    }

    private void addThroughput() {
      perSecond("sample", IterationMetrics::sampleSeconds);
      perSecond("judge", IterationMetrics::judgeSeconds);
      perSecond("learn", IterationMetrics::learnSeconds);
    }

    private void perSecond(String phase, ToDoubleFunction<IterationMetrics> seconds) {
      Tag tag = Tag.of("phase", phase);
      gauge(
          "completions.per.second",
          tag,
          metrics -> rate(metrics.samplesCount(), seconds.applyAsDouble(metrics)));
      gauge(
          "tokens.per.second",
          tag,
          metrics ->
              rate(
                  metrics.samplesCount() * metrics.meanCompletionTokens(),
                  seconds.applyAsDouble(metrics)));
    }

    private void addObjective(String name) {
      gauge(
          "objective",
          Tag.of("name", name),
          metrics -> orNaN(metrics.learning().objective().get(name)));
    }

    private void addConstraint(String name) {
      Tag tag = Tag.of("constraint", name);
      gauge("constraint.cost", tag, metrics -> constraint(metrics, name, c -> c.meanCost()));
      gauge("constraint.bound", tag, metrics -> constraint(metrics, name, c -> orNaN(c.bound())));
      gauge("constraint.target", tag, metrics -> constraint(metrics, name, c -> orNaN(c.target())));
      gauge("constraint.lambda", tag, metrics -> constraint(metrics, name, c -> orNaN(c.lambda())));
      gauge(
          "constraint.lambda.at.cap", tag, metrics -> constraint(metrics, name, RunGauges::atCap));
    }

    private void addMeasured(String name) {
      Tag tag = Tag.of("measured", name);
      gauge("measured.harm", tag, metrics -> measured(metrics, name, m -> m.harm()));
      gauge("measured.harm.std", tag, metrics -> measured(metrics, name, m -> m.harmStd()));
      gauge("measured.cost", tag, metrics -> measured(metrics, name, m -> m.cost()));
      gauge("measured.scored", tag, metrics -> measured(metrics, name, m -> m.scoredCount()));
      gauge("measured.failed", tag, metrics -> measured(metrics, name, m -> m.failedCount()));
    }

    private void gauge(String name, ToDoubleFunction<IterationMetrics> number) {
      register(name, tags, number);
    }

    private void gauge(String name, Tag tag, ToDoubleFunction<IterationMetrics> number) {
      register(name, tags.and(tag), number);
    }

    private void register(String name, Tags all, ToDoubleFunction<IterationMetrics> number) {
      gauges.computeIfAbsent(
          name + all,
          unused ->
              Gauge.builder("ballast.run." + name, () -> of(number)).tags(all).register(meters));
    }

    private void register(String name, Tags all, Supplier<Number> number) {
      gauges.computeIfAbsent(
          name + all,
          unused -> Gauge.builder("ballast.run." + name, number).tags(all).register(meters));
    }

    private double of(ToDoubleFunction<IterationMetrics> number) {
      IterationMetrics metrics = latest;
      return metrics == null ? Double.NaN : number.applyAsDouble(metrics);
    }
  }

  private static double orNaN(@Nullable Double number) {
    return number == null ? Double.NaN : number;
  }

  /** The number that the API has for it. */
  private static double outcome(IterationMetrics metrics) {
    return switch (metrics.learning().outcome()) {
      case UNRECORDED -> Double.NaN;
      case UPDATED -> UpdateOutcome.UPDATE_OUTCOME_UPDATED_VALUE;
      case NO_SIGNAL -> UpdateOutcome.UPDATE_OUTCOME_NO_SIGNAL_VALUE;
      case NOT_FINITE -> UpdateOutcome.UPDATE_OUTCOME_NOT_FINITE_VALUE;
    };
  }

  private static double rate(double amount, double seconds) {
    return seconds > 0 ? amount / seconds : Double.NaN;
  }

  private static double atCap(ConstraintReading constraint) {
    if (constraint.lambda() == null) {
      return Double.NaN;
    }
    return constraint.atCap() ? 1 : 0;
  }

  /** How many constraints have their price at its cap. */
  private static double atCap(IterationMetrics metrics) {
    return metrics.constraints().stream().filter(ConstraintReading::atCap).count();
  }

  private static double evaluation(
      IterationMetrics metrics, ToDoubleFunction<EvaluationReading.Measured> number) {
    return metrics.evaluation() instanceof EvaluationReading.Measured measured
        ? number.applyAsDouble(measured)
        : Double.NaN;
  }

  private static double rounds(IterationMetrics metrics, ToDoubleFunction<RoundsReading> number) {
    RoundsReading rounds = metrics.rounds();
    return rounds == null ? Double.NaN : number.applyAsDouble(rounds);
  }

  private static double spent(IterationMetrics metrics, ToDoubleFunction<Spent> number) {
    Spent spent = metrics.spent();
    return spent == null ? Double.NaN : number.applyAsDouble(spent);
  }

  private static double gold(
      IterationMetrics metrics, ToDoubleFunction<GoldReading.Measured> number) {
    return metrics.watch().gold() instanceof GoldReading.Measured measured
        ? number.applyAsDouble(measured)
        : Double.NaN;
  }

  private static double constraint(
      IterationMetrics metrics, String name, ToDoubleFunction<ConstraintReading> number) {
    return metrics.constraints().stream()
        .filter(each -> each.name().equals(name))
        .mapToDouble(number)
        .findFirst()
        .orElse(Double.NaN);
  }

  private static double measured(
      IterationMetrics metrics, String name, ToDoubleFunction<MeasuredReading.Measured> number) {
    for (MeasuredReading each : metrics.measured()) {
      if (each instanceof MeasuredReading.Measured measured && measured.name().equals(name)) {
        return number.applyAsDouble(measured);
      }
    }
    return Double.NaN;
  }
}
