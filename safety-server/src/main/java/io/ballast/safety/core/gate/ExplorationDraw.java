package io.ballast.safety.core.gate;

/**
 * Draws exploration from a seed, for each stage on its own: the same seed, the same draw.
 *
 * <pre>u = (mix(seed + (stage + 1)·φ) ≫ 11)·2⁻⁵³,  φ = 0x9E3779B97F4A7C15</pre>
 *
 * <p>{@code mix} is the finaliser of SplitMix64. Source: Steele, Lea and Flood 2014, "Fast
 * splittable pseudorandom number generators", OOPSLA.
 */
final class ExplorationDraw {
  private static final long GOLDEN_GAMMA = 0x9E37_79B9_7F4A_7C15L;

  private ExplorationDraw() {}

  /** Returns a number that is uniform on [0, 1) over seeds. */
  static double of(long seed, GateStage stage) {
    long z = seed + (stage.ordinal() + 1L) * GOLDEN_GAMMA;
    z = (z ^ (z >>> 30)) * 0xBF58_476D_1CE4_E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D0_49BB_1331_11EBL;
    z ^= z >>> 31;
    return (z >>> 11) * 0x1.0p-53;
  }
}
