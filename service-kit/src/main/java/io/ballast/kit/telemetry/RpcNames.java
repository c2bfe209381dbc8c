package io.ballast.kit.telemetry;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.config.MeterFilter;
import java.util.Set;

/**
 * Gives a server's calls the names that OpenTelemetry has for them ({@code
 * rpc.server.call.duration}), so that what is made for any gRPC server shows ours too.
 */
final class RpcNames implements MeterFilter {
  private static final String OURS = "ballast.server.calls";

  /** The codes by which a server fails; by the others it refuses what is asked. */
  private static final Set<String> FAILURES =
      Set.of(
          "UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS");

  @Override
  public Meter.Id map(Meter.Id id) {
    if (!id.getName().equals(OURS)) {
      return id;
    }
    String method = String.valueOf(id.getTag("method"));
    String code = String.valueOf(id.getTag("code"));
    Tags tags =
        Tags.of("rpc.system.name", "grpc", "rpc.method", method, "rpc.response.status_code", code);
    return id.withName("rpc.server.call.duration")
        .replaceTags(FAILURES.contains(code) ? tags.and(Tag.of("error.type", code)) : tags);
  }
}
