package io.ballast.standalone.demo.flow;

import io.ballast.standalone.demo.position.SetSizes;

/**
 * What the demo is going to do; fixed before anything is drawn.
 *
 * @param seed of positions, draws and runs
 * @param sizes of the sets of positions
 * @param iterations of each run, ≥ 1
 * @param draws suggestions at each position of the comparison, for each version, ≥ 1
 * @param model the policy's name
 */
public record DemoPlan(long seed, SetSizes sizes, int iterations, int draws, String model) {
  /** Suggestions asked for at a time. */
  static final int CALLS_AT_A_TIME = 16;

  /** Completions of one prompt when the reward's order is measured: as many as a run's group. */
  static final int RANKING_SAMPLES = 8;

  /** How often the programmer of the first step errs: never. */
  static final double PROGRAMMER_NOISE = 0;

  public DemoPlan {
    require(iterations, "iterations");
    require(draws, "draws");
  }

  private static void require(int value, String name) {
    if (value < 1) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: ≥ 1)");
    }
  }
}
