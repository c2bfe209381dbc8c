package io.ballast.inference.api;

import java.util.Optional;

/**
 * What a server elsewhere says of the weights that it runs.
 *
 * @param version as whoever updated them named it; empty: it does not say, or nobody named it
 * @param source where it read them when it started, such as a folder; empty: it does not say. It
 *     stays the same when weights are replaced in a running server
 */
public record ReportedWeights(Optional<String> version, Optional<String> source) {
  private static final ReportedWeights NOTHING =
      new ReportedWeights(Optional.empty(), Optional.empty());

  /** Says nothing. */
  public static ReportedWeights nothing() {
    return NOTHING;
  }
}
