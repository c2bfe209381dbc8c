package io.ballast.loadtest.report;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.Optional;

/**
 * Whether the generator itself kept up, so that what it measured is the mesh's.
 *
 * @param ceilingPerSecond calls a second that it managed against a server that does nothing
 * @param peakPerSecond calls a second that the load has at its peak
 * @param headroom the ceiling must be at least the peak times this
 * @param sendDelaySeconds the 99th percentile of how much later than meant calls were sent; NaN:
 *     none was sent so far
 * @param limitSeconds what that may be at the most
 * @param unsent calls that it did not come to
 * @param cutShort whether {@code max_calls} are fewer than the load has
 */
public record GeneratorCheck(
    double ceilingPerSecond,
    double peakPerSecond,
    double headroom,
    double sendDelaySeconds,
    double limitSeconds,
    long unsent,
    boolean cutShort) {
  /** For machines. */
  public ObjectNode json() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("ceiling_per_second", ceilingPerSecond);
    json.put("peak_per_second", peakPerSecond);
    json.put("headroom", headroom);
    if (Double.isFinite(sendDelaySeconds)) {
      json.put("send_delay_p99_ms", sendDelaySeconds * 1_000);
    } else {
      json.putNull("send_delay_p99_ms");
    }
    json.put("send_delay_limit_ms", limitSeconds * 1_000);
    json.put("valid", flaw().isEmpty());
    return json;
  }

  /** For people. */
  public String words() {
    return String.format(
        Locale.ROOT,
        "generator: manages %,.0f calls/s here, %,.1f needed; sends p99 %s ms late",
        ceilingPerSecond,
        peakPerSecond * headroom,
        Double.isNaN(sendDelaySeconds)
            ? "-"
            : String.format(Locale.ROOT, "%,.1f", sendDelaySeconds * 1_000));
  }

  /** Why its figures are not to be believed; empty: they are. */
  public Optional<String> flaw() {
    if (ceilingPerSecond < peakPerSecond * headroom) {
      return Optional.of(
          String.format(
              Locale.ROOT,
              "this generator manages %,.0f calls/s here, and %,.0f × %s are needed; share the load"
                  + " among --processes or machines",
              ceilingPerSecond,
              peakPerSecond,
              headroom));
    }
    if (cutShort) {
      return Optional.of("the load has more calls than max_calls lets it: raise it, or send less");
    }
    if (unsent > 0) {
      return Optional.of(
          String.format(
              Locale.ROOT, "%,d calls were not sent, because sending fell too far behind", unsent));
    }
    if (sendDelaySeconds > limitSeconds) {
      return Optional.of(
          String.format(
              Locale.ROOT,
              "calls were sent late: p99 %.1f ms (generator.send_delay_p99: %.1f ms)",
              sendDelaySeconds * 1_000,
              limitSeconds * 1_000));
    }
    return Optional.empty();
  }
}
