package io.ballast.inference.schedule;

import io.ballast.kit.call.Lane;

/**
 * What one row asks of the engine.
 *
 * @param lane which work goes first
 * @param tenant who pays; tenants of a lane share it equally
 * @param tokens the most that it may come to, prompt included, ≥ 1: what its tenant is charged
 * @param bytes the most that its keys and values may take, ≥ 0
 */
public record RowDemand(Lane lane, String tenant, long tokens, long bytes) {
  public RowDemand {
    if (tokens < 1 || bytes < 0) {
      throw new IllegalArgumentException(
          "demand: %,d tokens, %,d bytes (expected: ≥ 1, ≥ 0)".formatted(tokens, bytes));
    }
  }
}
