package io.ballast.policy.core;

/**
 * Derives the seed of one completion from the seed of a call, so that each completion can be drawn
 * again alone.
 *
 * <pre>derive(s, i, j) = mix(mix(s + (i + 1)·φ) + (j + 1)·φ),  φ = 0x9E3779B97F4A7C15</pre>
 *
 * <p>{@code mix} is the finaliser of SplitMix64, a bijection of 64 bits. Source: Steele, Lea and
 * Flood 2014, "Fast splittable pseudorandom number generators", OOPSLA.
 */
public final class Seeds {
  private static final long GOLDEN_GAMMA = 0x9E37_79B9_7F4A_7C15L;

  private Seeds() {}

  /** Returns the seed of completion {@code completion} of prompt {@code prompt}, both from 0. */
  public static long derive(long seed, int prompt, int completion) {
    long ofPrompt = mix(seed + (prompt + 1L) * GOLDEN_GAMMA);
    return mix(ofPrompt + (completion + 1L) * GOLDEN_GAMMA);
  }

  private static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xBF58_476D_1CE4_E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D0_49BB_1331_11EBL;
    return z ^ (z >>> 31);
  }
}
