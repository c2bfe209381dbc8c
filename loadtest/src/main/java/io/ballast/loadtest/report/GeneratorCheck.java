package io.ballast.loadtest.report;

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
