package io.ballast.orchestrator.core.learner;

import io.ballast.orchestrator.core.Faults;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * Low-rank adapters that are trained in place of the weights: W + (α/r)·B·A with A normal and B
 * zero at the start. Source: Hu et al. 2021 (LoRA), §4.1, arXiv:2106.09685.
 *
 * @param rank r, at least 1
 * @param alpha α, above 0, at most 1,000,000
 * @param projections of every block that have an adapter, at least one; kept in the order of the
 *     enum, so that equal settings read alike
 * @param seed draws A
 */
public record AdapterSettings(int rank, double alpha, Set<Projection> projections, long seed) {
  /** Far above a usual α, and far below what is not finite in 32 bits. */
  private static final double MOST_ALPHA = 1e6;

  /** What α may be, in words. */
  public static final String ALPHA_RANGE = "> 0, at most 1,000,000";

  /** A projection of a block. */
  public enum Projection {
    /** Attention's queries. */
    Q_PROJ,
    /** Attention's keys. */
    K_PROJ,
    /** Attention's values. */
    V_PROJ,
    /** Attention's output. */
    O_PROJ,
    /** The feed-forward layer's gate. */
    GATE_PROJ,
    /** What the gate multiplies. */
    UP_PROJ,
    /** The feed-forward layer's output. */
    DOWN_PROJ
  }

  /** Checks the ranges above; a failure is MALFORMED_REQUEST and names the field. */
  public AdapterSettings {
    if (rank < 1) {
      throw Faults.malformed("adapters.rank", rank + " (expected: ≥ 1)");
    }
    if (!allowsAlpha(alpha)) {
      throw Faults.malformed("adapters.alpha", alpha + " (expected: " + ALPHA_RANGE + ")");
    }
    if (projections.isEmpty()) {
      throw Faults.malformed("adapters.projections", "none (expected: at least one)");
    }
    projections = Collections.unmodifiableSet(EnumSet.copyOf(projections));
  }

  /** Whether α may be {@code alpha}. */
  public static boolean allowsAlpha(double alpha) {
    return alpha > 0 && alpha <= MOST_ALPHA;
  }
}
