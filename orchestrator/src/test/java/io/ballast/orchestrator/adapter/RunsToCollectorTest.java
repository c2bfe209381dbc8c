package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;
import static org.assertj.core.api.InstanceOfAssertFactories.DOUBLE;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.telemetry.Telemetry;
import io.ballast.kit.telemetry.TelemetrySettings;
import io.ballast.orchestrator.core.run.IterationMetrics;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.RunProgress;
import io.ballast.orchestrator.grpc.RunMapper;
import io.ballast.testing.OtlpCollector;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A collector is sent every scalar of an iteration, and whose run it is of. */
class RunsToCollectorTest {
  private static final Run RUN =
      new Run(
          "0c7f0000-0000-4000-8000-000000000002",
          "acme",
          "tidy",
          "name: tidy",
          new PinnedVersion("tiny", "1", "ab".repeat(32)),
          3,
          Instant.EPOCH,
          RunProgress.queued());

  private final OtlpCollector collector = OtlpCollector.start();
  private final Telemetry telemetry =
      Telemetry.start(
          new TelemetrySettings(
              "orchestrator", Optional.of(collector.endpoint()), 1, 0, Duration.ofHours(1)));
  private final RunTelemetry runs =
      new RunTelemetry(
          new CompositeMeterRegistry()
              .add(new SimpleMeterRegistry())
              .add(telemetry.metrics().orElseThrow()),
          telemetry.api());

  @AfterEach
  void close() {
    telemetry.close();
    collector.close();
  }

  @Test
  void everyScalarOfAnIterationArrivesOnceAnInterval() throws ReflectiveOperationException {
    IterationMetrics metrics = new FilledIteration().metrics();
    runs.iterated(RUN, metrics);

    telemetry.flush();

    Map<String, Double> scalars = IterationScalars.of(RunMapper.metrics(metrics));
    assertThat(scalars).hasSizeGreaterThan(60);
    assertThat(scalars)
        .allSatisfy(
            (tag, number) ->
                assertThat(sent(tag))
                    .singleElement(DOUBLE)
                    .isCloseTo(number, withinPercentage(1e-10)));
  }

  @Test
  void aRunThatWasLetGoOfIsSentNoMore() throws ReflectiveOperationException {
    IterationMetrics metrics = new FilledIteration().metrics();
    runs.iterated(RUN, metrics);
    telemetry.flush();
    int before = collector.gauges().size();
    assertThat(before).isPositive();
    Run other =
        new Run(
            "0c7f0000-0000-4000-8000-000000000003",
            RUN.tenant(),
            RUN.name(),
            RUN.spec(),
            RUN.base(),
            RUN.iterationsCount(),
            RUN.createdAt(),
            RUN.progress());
    runs.iterated(other, metrics); // so that there is something to send
    runs.left(RUN);

    telemetry.flush();

    assertThat(collector.gauges().subList(before, collector.gauges().size()))
        .isNotEmpty()
        .noneMatch(point -> point.attributes().containsValue(RUN.runId()));
  }

  /** The numbers that arrived under the name and all the attributes of a scalar's gauge. */
  private List<Double> sent(String scalar) {
    ScalarGauge gauge = ScalarGauge.of(scalar);
    Map<String, String> attributes =
        new HashMap<>(Map.of("run", "tidy", "run_id", RUN.runId(), "tenant", "acme"));
    for (Tag tag : gauge.tags()) {
      attributes.put(tag.getKey(), tag.getValue());
    }
    return collector.gauges().stream()
        .filter(point -> point.name().equals(gauge.name()) && point.attributes().equals(attributes))
        .map(OtlpCollector.Point::value)
        .toList();
  }
}
