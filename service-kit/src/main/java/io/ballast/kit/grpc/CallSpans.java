package io.ballast.kit.grpc;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.instrumentation.grpc.v1_6.GrpcTelemetry;

/** A span for each call, on either side; none of its messages is an event of it. */
final class CallSpans {
  private CallSpans() {}

  static GrpcTelemetry of(OpenTelemetry telemetry) {
    return GrpcTelemetry.builder(telemetry).setEmitMessageEvents(false).build();
  }
}
