package io.ballast.kit.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import io.ballast.kit.error.MeshException;
import io.ballast.kit.telemetry.TelemetrySettings.Histograms;
import io.ballast.testing.Await;
import io.ballast.testing.HeardLog;
import io.ballast.testing.OtlpCollector;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.composite.CompositeMeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.metrics.v1.Metric;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Metrics go where traces go; a collector that is away is no matter of the mesh's. */
class TelemetryTest {
  private final AtomicInteger depth = new AtomicInteger(3); // held here: gauges hold it weakly

  private static Telemetry sendingTo(String endpoint) {
    return Telemetry.start(
        new TelemetrySettings("safety-server", Optional.of(endpoint), 1, 0, Duration.ofHours(1)));
  }

  /** What a process has: the registry of {@code /q/metrics} with the collector's beside it. */
  private static MeterRegistry meters(Telemetry telemetry) {
    return new CompositeMeterRegistry()
        .add(new SimpleMeterRegistry())
        .add(telemetry.metrics().orElseThrow());
  }

  private static List<Double> values(OtlpCollector collector) {
    return collector.gauges().stream().map(OtlpCollector.Point::value).toList();
  }

  @Test
  void whatThereIsAtTheEndIsSentByTheNameOfTheProcess() {
    try (OtlpCollector collector = OtlpCollector.start()) {
      try (Telemetry telemetry = sendingTo(collector.endpoint())) {
        var unused = meters(telemetry).gauge("ballast.depth", depth);
        depth.set(4);
      }

      assertThat(collector.gauges())
          .singleElement()
          .satisfies(
              point -> {
                assertThat(point.name()).isEqualTo("ballast.depth");
                assertThat(point.value()).isEqualTo(4);
                assertThat(point.process())
                    .containsEntry("service.name", "safety-server")
                    .containsKey("service.instance.id");
              });
    }
  }

  @Test
  void whatIsNoNumberOrNoMoreAGaugeIsNotSent() {
    try (OtlpCollector collector = OtlpCollector.start();
        Telemetry telemetry = sendingTo(collector.endpoint())) {
      MeterRegistry meters = meters(telemetry);
      var unusedNaN = meters.gauge("ballast.none", depth, _ -> Double.NaN);
      var unused = meters.gauge("ballast.depth", depth);

      telemetry.flush();
      assertThat(values(collector)).containsExactly(3.0);

      var unusedMeter = meters.remove(meters.get("ballast.depth").meter());
      telemetry.flush();
      assertThat(values(collector)).containsExactly(3.0);
    }
  }

  @Test
  void aTimerIsAnExponentialHistogram() {
    try (OtlpCollector collector = OtlpCollector.start()) {
      try (Telemetry telemetry = sendingTo(collector.endpoint())) {
        Timer timer = Timer.builder("ballast.took").register(meters(telemetry));
        timer.record(Duration.ofMillis(2));
        timer.record(Duration.ofSeconds(8));
      }

      var point = collector.histograms().getLast().getExponentialHistogram().getDataPoints(0);
      assertThat(point.getCount()).isEqualTo(2);
      assertThat(point.getSum()).isCloseTo(8.002, offset(1e-9));
      assertThat(point.getPositive().getBucketCountsList().stream().mapToLong(n -> n).sum())
          .isEqualTo(2);
      // base 2^(2^-scale): the least value's bucket is the first, the greatest's the last
      double octaves = point.getPositive().getBucketCountsCount() / Math.pow(2, point.getScale());
      assertThat(octaves).isCloseTo(Math.log(8 / 0.002) / Math.log(2), offset(0.5));
    }
  }

  @ParameterizedTest
  @CsvSource({"OK, ''", "NOT_FOUND, ''", "INTERNAL, INTERNAL"})
  void callsGoByOpenTelemetrysNames(String code, String error) {
    try (OtlpCollector collector = OtlpCollector.start()) {
      try (Telemetry telemetry = sendingTo(collector.endpoint())) {
        Timer.builder("ballast.server.calls")
            .tag("method", "ballast.reward.v1.RewardService/Score")
            .tag("code", code)
            .register(meters(telemetry))
            .record(Duration.ofMillis(2));
      }

      Metric calls = collector.histograms().getLast();
      assertThat(calls.getName()).isEqualTo("rpc.server.call.duration");
      assertThat(calls.getUnit()).isEqualTo("s");
      Map<String, String> expected = new TreeMap<>();
      expected.put("rpc.system.name", "grpc");
      expected.put("rpc.method", "ballast.reward.v1.RewardService/Score");
      expected.put("rpc.response.status_code", code);
      if (!error.isEmpty()) {
        expected.put("error.type", error);
      }
      assertThat(
              calls.getExponentialHistogram().getDataPoints(0).getAttributesList().stream()
                  .collect(
                      Collectors.toMap(KeyValue::getKey, each -> each.getValue().getStringValue())))
          .isEqualTo(expected);
    }
  }

  @Test
  void fixedBucketsAreForWhoAsksForThem() {
    try (OtlpCollector collector = OtlpCollector.start()) {
      TelemetrySettings settings =
          new TelemetrySettings(
              "test",
              Optional.of(collector.endpoint()),
              1,
              0,
              Duration.ofHours(1),
              Histograms.EXPLICIT);
      try (Telemetry telemetry = Telemetry.start(settings)) {
        Timer.builder("ballast.took").register(meters(telemetry)).record(Duration.ofMillis(2));
      }

      assertThat(collector.histograms().getLast().getHistogram().getDataPoints(0).getCount())
          .isEqualTo(1);
    }
  }

  @Test
  void aCollectorThatIsAwayIsToldOfOnceAndUsedWhenItIsBack() throws IOException {
    int port = freePort();
    try (HeardLog log = HeardLog.of(CollectorNews.class.getName(), Level.INFO);
        Telemetry telemetry = sendingTo("http://127.0.0.1:" + port)) {
      var unused = meters(telemetry).gauge("ballast.depth", depth);
      for (int i = 0; i < 4; i++) {
        telemetry.flush();
      }
      Await.until(() -> !log.messages().isEmpty());
      assertThat(log.messages())
          .singleElement()
          .satisfies(
              line ->
                  assertThat(line)
                      .contains(
                          "http://127.0.0.1:" + port + " takes no metrics: UNAVAILABLE, ",
                          "is it up, and is that its port for OTLP over gRPC")
                      .doesNotContain("Exception"));

      try (OtlpCollector collector = OtlpCollector.startOn(port)) {
        Await.until(
            () -> {
              telemetry.flush();
              return log.messages().size() > 1;
            });
        assertThat(log.messages().getLast()).contains("takes metrics again");
        assertThat(values(collector)).contains(3.0);
      }
    }
  }

  @Test
  void aCollectorThatHasNoPipelineForTracesIsToldOfAsThat() {
    try (HeardLog log = HeardLog.of(CollectorNews.class.getName(), Level.WARNING);
        OtlpCollector ofMetrics = OtlpCollector.start();
        Telemetry telemetry = sendingTo(ofMetrics.endpoint())) {
      telemetry.api().getTracer("test").spanBuilder("call").startSpan().end();
      telemetry.flush();

      Await.until(() -> !log.messages().isEmpty());
      assertThat(log.messages())
          .singleElement()
          .satisfies(
              line ->
                  assertThat(line)
                      .contains(
                          "takes no traces: UNIMPLEMENTED, ",
                          " (it has no receiver or pipeline for traces). Calls go on; the traces"));
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Test
  void withoutACollectorThereIsNoRegistryForIt() {
    TelemetrySettings none =
        new TelemetrySettings("test", Optional.empty(), 1, 0, Duration.ofSeconds(1));
    try (Telemetry telemetry = Telemetry.start(none)) {
      assertThat(telemetry.metrics()).isEmpty();
      telemetry.flush();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"PT0S", "PT0.999S", "PT1H0.001S", "PT-1S"})
  void anIntervalOutOfItsRangeIsNamed(String interval) {
    assertThatThrownBy(
            () -> new TelemetrySettings("test", Optional.empty(), 1, 0, Duration.parse(interval)))
        .isInstanceOf(MeshException.class)
        .hasMessageContaining("ballast.telemetry.metrics-interval: ")
        .hasMessageContaining("(allowed: PT1S to PT1H)");
  }
}
