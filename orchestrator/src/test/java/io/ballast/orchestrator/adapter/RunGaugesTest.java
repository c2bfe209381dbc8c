package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.data.BadRow;
import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.measure.EvaluationReading;
import io.ballast.orchestrator.core.measure.MeasuredReading;
import io.ballast.orchestrator.core.run.ConstraintReading;
import io.ballast.orchestrator.core.run.IterationMetrics;
import io.ballast.orchestrator.core.run.LearningMetrics;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.RunProgress;
import io.ballast.orchestrator.core.run.Spent;
import io.ballast.orchestrator.core.run.UpdateOutcome;
import io.ballast.orchestrator.core.watch.GoldReading;
import io.ballast.orchestrator.core.watch.IterationWatch;
import io.ballast.orchestrator.grpc.RunMapper;
import io.ballast.testing.MonitoredMetrics;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every number of the latest iteration is a gauge while a worker has the run. */
class RunGaugesTest {
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final RunGauges gauges = new RunGauges(meters);

  @Test
  void everyNumberOfAnIterationIsAGauge() throws ReflectiveOperationException {
    FilledIteration filled = new FilledIteration();
    gauges.show(run("a"), filled.metrics());

    List<Double> shown = meters.getMeters().stream().map(meter -> ((Gauge) meter).value()).toList();
    assertThat(filled.numbers()).hasSizeGreaterThan(25);
    assertThat(filled.numbers())
        .as("numbers without a gauge: give them one in RunGauges")
        .allSatisfy((component, number) -> assertThat(shown).contains(number));
    assertThat(meters.getMeters())
        .extracting(Meter::getId)
        .allSatisfy(
            id -> {
              assertThat(id.getTag("run")).isEqualTo("tidy");
              assertThat(id.getTag("run_id")).isEqualTo("a");
              assertThat(id.getTag("tenant")).isEqualTo("acme");
            });
  }

  @Test
  void whatAlertsAndDashboardsReadOfARunIsAGauge() throws ReflectiveOperationException {
    gauges.show(run("a"), filled());

    assertThat(MonitoredMetrics.named(MonitoredMetrics::isOfARun))
        .hasSizeGreaterThan(10)
        .isSubsetOf(
            meters.getMeters().stream()
                .map(meter -> meter.getId().getName().replace('.', '_'))
                .toList());
  }

  @Test
  void everyScalarIsAGauge() throws ReflectiveOperationException {
    IterationMetrics metrics = filled();
    gauges.show(run("a"), metrics);

    assertThat(IterationScalars.of(RunMapper.metrics(metrics)))
        .containsKeys("objective/kl_nats", "objective/entropy_nats", "train/update_outcome")
        .allSatisfy(
            (tag, number) -> {
              ScalarGauge gauge = ScalarGauge.of(tag);
              assertThat(meters.get(gauge.name()).tags(gauge.tags()).gauge().value())
                  .isCloseTo(number, withinPercentage(1e-10)); // rates are rounded otherwise
            });
  }

  @ParameterizedTest
  @EnumSource(UpdateOutcome.class)
  void outcomesHaveTheNumbersOfTheApi(UpdateOutcome outcome) throws ReflectiveOperationException {
    IterationMetrics metrics =
        FilledIteration.with(
            filled(), Map.of("learning", new LearningMetrics(outcome, "", 0, 0.1, 0, Map.of())));
    gauges.show(run("a"), metrics);

    assertThat(value("ballast.run.update.outcome", "run", "tidy"))
        .isEqualTo(
            IterationScalars.of(RunMapper.metrics(metrics))
                .getOrDefault("train/update_outcome", Double.NaN));
  }

  @Test
  void constraintsMeasuredHarmAndPhasesHaveATagOfTheirOwn() throws ReflectiveOperationException {
    IterationMetrics metrics = filled();
    gauges.show(run("a"), metrics);

    ConstraintReading constraint = metrics.constraints().getFirst();
    assertThat(value("ballast.run.constraint.target", "constraint", constraint.name()))
        .isEqualTo(constraint.target());
    assertThat(value("ballast.run.constraint.lambda.at.cap", "constraint", constraint.name()))
        .isEqualTo(1);
    MeasuredReading.Measured measured = (MeasuredReading.Measured) metrics.measured().getFirst();
    assertThat(value("ballast.run.measured.harm", "measured", measured.name()))
        .isEqualTo(measured.harm());
    assertThat(value("ballast.run.completions.per.second", "phase", "learn"))
        .isEqualTo(metrics.samplesCount() / metrics.learnSeconds());
    assertThat(value("ballast.run.tokens.per.second", "phase", "sample"))
        .isEqualTo(
            metrics.samplesCount() * metrics.meanCompletionTokens() / metrics.sampleSeconds());
  }

  @Test
  void whatTheLatestIterationDoesNotHaveIsNotANumber() throws ReflectiveOperationException {
    IterationMetrics first = filled();
    gauges.show(run("a"), first);
    gauges.show(run("a"), quiet(first));

    assertThat(value("ballast.run.gold", "run", "tidy")).isNaN();
    assertThat(value("ballast.run.gold.gap", "run", "tidy")).isNaN();
    assertThat(value("ballast.run.spread", "run", "tidy")).isNaN();
    assertThat(value("ballast.run.evaluation", "run", "tidy")).isNaN();
    assertThat(value("ballast.run.spent.money", "run", "tidy")).isNaN();
    assertThat(value("ballast.run.spent.completion.tokens", "run", "tidy")).isEqualTo(7);
    assertThat(value("ballast.run.constraint.bound", "constraint", "harm")).isNaN();
    assertThat(value("ballast.run.constraint.lambda.at.cap", "constraint", "harm")).isNaN();
    assertThat(value("ballast.run.tokens.per.second", "phase", "judge")).isNaN();
    assertThat(value("ballast.run.reward", "run", "tidy")).isNaN();
    assertThat(value("ballast.run.objective", "name", "kl_nats")).isNaN();
    MeasuredReading measured = first.measured().getFirst();
    assertThat(value("ballast.run.measured.harm", "measured", measured.name())).isNaN();
  }

  @Test
  void whoLeavesNoGroupOutHasNoRounds() throws ReflectiveOperationException {
    List<String> names =
        List.of("ballast.run.rounds", "ballast.run.groups.sampled", "ballast.run.groups.kept");
    IterationMetrics all = filled();
    gauges.show(run("a"), all);
    assertThat(names).allSatisfy(name -> assertThat(value(name, "run", "tidy")).isFinite());

    gauges.show(run("a"), withoutRounds(all));

    assertThat(names).allSatisfy(name -> assertThat(value(name, "run", "tidy")).isNaN());
    assertThat(value("ballast.run.samples", "run", "tidy")).isEqualTo(all.samplesCount());
  }

  private static IterationMetrics withoutRounds(IterationMetrics all) {
    return new IterationMetrics(
        all.iteration(),
        all.samplesCount(),
        all.droppedCount(),
        null,
        all.meanReward(),
        all.meanSpread(),
        all.constraints(),
        all.measured(),
        all.klNats(),
        all.entropyNats(),
        all.meanCompletionTokens(),
        all.learning(),
        all.loss(),
        all.gradientNorm(),
        all.trainServeGapNats(),
        all.watch(),
        all.evaluation(),
        all.spent(),
        all.sampleSeconds(),
        all.judgeSeconds(),
        all.learnSeconds(),
        all.committedAt());
  }

  @Test
  void whatASourceGivesGrowsAndMoreBadRowsAreTold() {
    ReadSource first = new ReadSource("feedback", 4, 1, List.of(new BadRow(3, "too long")));
    ReadSource more = new ReadSource("feedback", 6, 1, first.bad());
    ReadSource worse =
        new ReadSource(
            "feedback", 8, 2, List.of(new BadRow(3, "too long"), new BadRow(9, "cut off")));

    assertThat(gauges.show(run("a"), List.of(ReadSource.of("feedback", 0)))).isEmpty();
    assertThat(gauges.show(run("a"), List.of(first))).containsExactly(first);
    assertThat(value("ballast.run.bad.rows", "source", "0:feedback")).isEqualTo(1);
    assertThat(gauges.show(run("a"), List.of(more))).as("no more than before").isEmpty();
    assertThat(gauges.show(run("a"), List.of(worse))).containsExactly(worse);
    assertThat(value("ballast.run.bad.rows", "source", "0:feedback")).isEqualTo(2);
    assertThat(value("ballast.run.prompts", "source", "0:feedback")).isEqualTo(8);
  }

  @Test
  void aSkippedUpdateIsShownUntilTheNextIteration() throws ReflectiveOperationException {
    IterationMetrics updated = filled();
    LearningMetrics skipped =
        new LearningMetrics(UpdateOutcome.NOT_FINITE, "gradient norm: NaN", 0, 0.1, 0, Map.of());

    gauges.show(run("a"), FilledIteration.with(updated, Map.of("learning", skipped)));
    assertThat(value("ballast.run.update.skipped", "run", "tidy")).isEqualTo(1);
    gauges.show(run("a"), updated);
    assertThat(value("ballast.run.update.skipped", "run", "tidy")).isZero();
  }

  @Test
  void theGaugesOfARunGoWithIt() throws ReflectiveOperationException {
    gauges.show(run("a"), filled());
    int ofOne = meters.getMeters().size();
    gauges.show(run("b"), filled());
    assertThat(meters.getMeters()).hasSize(2 * ofOne);

    gauges.remove("a");
    assertThat(meters.getMeters())
        .hasSize(ofOne)
        .allSatisfy(meter -> assertThat(meter.getId().getTag("run_id")).isEqualTo("b"));
    gauges.remove("b");
    gauges.remove("b");
    assertThat(meters.getMeters()).isEmpty();
  }

  private double value(String name, String tag, String is) {
    return meters.get(name).tag(tag, is).gauge().value();
  }

  private static Run run(String id) {
    return new Run(
        id,
        "acme",
        "tidy",
        "name: tidy",
        new PinnedVersion("tiny", "1", "ab".repeat(32)),
        3,
        Instant.EPOCH,
        RunProgress.queued());
  }

  /** The same with all absent that may be, and judges that answered in no time. */
  private static IterationMetrics quiet(IterationMetrics all) throws ReflectiveOperationException {
    return FilledIteration.with(
        all,
        Map.of(
            "meanReward",
            OptionalDouble.empty(),
            "meanSpread",
            OptionalDouble.empty(),
            "constraints",
            List.of(new ConstraintReading("harm", 0.5, null, null, null, false)),
            "measured",
            List.of(
                new MeasuredReading.Failed(
                    all.measured().getFirst().name(), "MODEL_LOADING", "it loads")),
            "watch",
            new IterationWatch(
                new GoldReading.Failed("MODEL_LOADING", "it loads"), null, List.of()),
            "judgeSeconds",
            0.0,
            "learning",
            new LearningMetrics(UpdateOutcome.NO_SIGNAL, "", 0, 0.1, 0, Map.of()),
            "evaluation",
            new EvaluationReading.Failed("TOO_FEW_SCORES", "busy"),
            "spent",
            new Spent(7, 1, null)));
  }

  private static IterationMetrics filled() throws ReflectiveOperationException {
    return new FilledIteration().metrics();
  }
}
