package io.ballast.standalone.experiment.algorithms;

import io.ballast.rl.algorithm.Algorithm;
import java.util.List;

/**
 * How much each run may learn from, and how it is measured. Fixed before the complete run by what
 * about an hour of two cores holds; the same for all algorithms.
 *
 * @param algorithms at least one, in the order of the enum
 * @param seeds repetitions, ≥ 2
 * @param iterations about so many, ≥ 2: the budget is of tokens
 * @param prompts of an iteration
 * @param completions of each
 * @param learningRate of AdamW
 * @param positions held out, where gold is measured
 * @param draws completions at each of them
 */
record AlgorithmsPlan(
    List<Algorithm> algorithms,
    int seeds,
    int iterations,
    int prompts,
    int completions,
    double learningRate,
    int positions,
    int draws) {
  /** Of a prompt, in training and in measuring. */
  static final int PROMPT_TOKENS = 64;

  /** The most of a completion. */
  static final int NEW_TOKENS = 12;

  /** What ends one. */
  static final List<String> STOPS = List.of("\n");

  /** What a completion has in the mean, by which iterations become a budget of tokens. */
  private static final int USUAL_TOKENS = 8;

  /**
   * A run whose completions become short takes more iterations for its tokens, but not for ever.
   */
  private static final int MOST_TIMES = 3;

  private static final int MEASUREMENTS = 6;

  /** Where a command does not say. */
  static final int ITERATIONS = 36;

  /**
   * The sixteen that sample, and DPO as it was published, on pairs that are there before. Variants
   * of others are left out: cDPO and rDPO of ONLINE_DPO, SLiC-HF of SimPO, PPO-max of PPO.
   */
  static final List<Algorithm> MAIN =
      List.of(
          Algorithm.REINFORCE,
          Algorithm.RLOO,
          Algorithm.GRPO,
          Algorithm.DR_GRPO,
          Algorithm.DAPO,
          Algorithm.GSPO,
          Algorithm.CISPO,
          Algorithm.REMAX,
          Algorithm.REINFORCE_PLUS_PLUS,
          Algorithm.PPO,
          Algorithm.DPO,
          Algorithm.ONLINE_DPO,
          Algorithm.IPO,
          Algorithm.SIMPO,
          Algorithm.ORPO,
          Algorithm.XPO,
          Algorithm.KTO);

  /** Copies the list. */
  AlgorithmsPlan {
    algorithms = List.copyOf(algorithms);
    if (algorithms.isEmpty() || seeds < 2 || iterations < 2) {
      throw new IllegalArgumentException(
          "%d algorithms, %d seeds, %d iterations (expected: ≥ 1, ≥ 2, ≥ 2)"
              .formatted(algorithms.size(), seeds, iterations));
    }
  }

  /** What the command runs. */
  static AlgorithmsPlan standard(List<Algorithm> algorithms, int seeds, int iterations) {
    return new AlgorithmsPlan(
        algorithms.isEmpty() ? MAIN : algorithms, seeds, iterations, 16, 8, 2e-4, 200, 4);
  }

  /** Completion tokens of a run: it ends with the first iteration that reaches them. */
  long tokens() {
    return (long) iterations * prompts * completions * USUAL_TOKENS;
  }

  /** The most iterations of a run. */
  int mostIterations() {
    return MOST_TIMES * iterations;
  }

  /** Gold is measured of the weights after every so many iterations, and at the end. */
  int every() {
    return Math.max(1, iterations / MEASUREMENTS);
  }
}
