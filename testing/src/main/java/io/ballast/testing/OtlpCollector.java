package io.ballast.testing;

import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceResponse;
import io.opentelemetry.proto.collector.metrics.v1.MetricsServiceGrpc;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.metrics.v1.NumberDataPoint;
import io.opentelemetry.proto.metrics.v1.ResourceMetrics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** A collector that speaks OTLP over gRPC, and keeps the gauges and histograms that it is sent. */
public final class OtlpCollector implements AutoCloseable {
  private final List<Point> gauges = new CopyOnWriteArrayList<>();
  private final List<Metric> histograms = new CopyOnWriteArrayList<>();
  private final Server server;

  /**
   * One number of a gauge.
   *
   * @param process the attributes of the process that sent it
   */
  public record Point(
      String name, Map<String, String> attributes, double value, Map<String, String> process) {
    /** Copies the attributes. */
    public Point {
      attributes = Map.copyOf(attributes);
      process = Map.copyOf(process);
    }
  }

  private OtlpCollector(int port) {
    try {
      server =
          NettyServerBuilder.forAddress(
                  new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
              .addService(new Metrics())
              .build()
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts one on a free port. */
  public static OtlpCollector start() {
    return new OtlpCollector(0);
  }

  /** Starts one on {@code port} of this machine. */
  public static OtlpCollector startOn(int port) {
    return new OtlpCollector(port);
  }

  /** Where it is, as {@code ballast.telemetry.otlp-endpoint} has it. */
  public String endpoint() {
    return "http://127.0.0.1:" + server.getPort();
  }

  /** What it was sent by now, in the order of arrival. */
  public List<Point> gauges() {
    return List.copyOf(gauges);
  }

  /** The histograms of either kind that it was sent by now, in the order of arrival. */
  public List<Metric> histograms() {
    return List.copyOf(histograms);
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  private final class Metrics extends MetricsServiceGrpc.MetricsServiceImplBase {
    @Override
    public void export(
        ExportMetricsServiceRequest request,
        StreamObserver<ExportMetricsServiceResponse> observer) {
      for (ResourceMetrics of : request.getResourceMetricsList()) {
        Map<String, String> process = map(of.getResource().getAttributesList());
        of.getScopeMetricsList().stream()
            .flatMap(scope -> scope.getMetricsList().stream())
            .forEach(metric -> keep(metric, process));
      }
      observer.onNext(ExportMetricsServiceResponse.getDefaultInstance());
      observer.onCompleted();
    }

    private void keep(Metric metric, Map<String, String> process) {
      if (metric.hasHistogram() || metric.hasExponentialHistogram()) {
        histograms.add(metric);
      }
      for (NumberDataPoint point : metric.getGauge().getDataPointsList()) {
        gauges.add(
            new Point(
                metric.getName(), map(point.getAttributesList()), point.getAsDouble(), process));
      }
    }

    private static Map<String, String> map(List<KeyValue> attributes) {
      Map<String, String> values = new TreeMap<>();
      attributes.forEach(each -> values.put(each.getKey(), each.getValue().getStringValue()));
      return values;
    }
  }
}
