package io.ballast.inference.torch;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Which low-rank adapters a decoder gets. Source: Hu et al. 2021 (LoRA), §4.1, arXiv:2106.09685.
 *
 * @param rank r of A [r, in] and B [out, r], ≥ 1, no more than either width of a projection
 * @param alpha α, &gt; 0: what the adapters add is scaled by α/r
 * @param projections of every block that have one, at least one; kept in the order of a block's
 *     matrices, whatever the set's own
 */
public record LoraOptions(int rank, double alpha, Set<LoraProjection> projections) {
  public LoraOptions {
    if (rank < 1) {
      throw new IllegalArgumentException("rank: " + rank + " (expected: ≥ 1)");
    }
    if (!(alpha > 0 && Double.isFinite(alpha))) {
      throw new IllegalArgumentException("alpha: " + alpha + " (expected: > 0, finite)");
    }
    if (projections.isEmpty()) {
      throw new IllegalArgumentException("projections: none (expected: at least one)");
    }
    projections = Collections.unmodifiableSet(EnumSet.copyOf(projections));
  }

  /** How many numbers the adapters on a decoder of this shape have. */
  public long parameterCount(DecoderConfig config) {
    return targets(config).mapToLong(target -> rank * (target.rows() + target.columns())).sum();
  }

  /**
   * Refuses a rank that is more than an adapter could have.
   *
   * @throws IllegalArgumentException if a projection of such a decoder is narrower; named
   */
  public void requireFit(DecoderConfig config) {
    for (ParameterLayout.Parameter target : targets(config).toList()) {
      long width = Math.min(target.rows(), target.columns());
      if (rank > width) {
        throw new IllegalArgumentException(
            "rank: %d (expected: ≤ %d, the lesser width of %s)"
                .formatted(rank, width, target.name()));
      }
    }
  }

  private Stream<ParameterLayout.Parameter> targets(DecoderConfig config) {
    ParameterLayout layout = new ParameterLayout(config);
    return IntStream.range(0, layout.blocks())
        .boxed()
        .flatMap(
            layer ->
                projections.stream()
                    .map(projection -> layout.matrices(layer).get(projection.ordinal())));
  }
}
