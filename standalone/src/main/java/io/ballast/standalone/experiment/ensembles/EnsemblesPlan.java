package io.ballast.standalone.experiment.ensembles;

import io.ballast.rl.selection.BestOfNPlan;
import io.ballast.training.scoring.HeadTrainer;
import java.util.List;

/**
 * How much is drawn, trained and learned. Fixed by what fifteen minutes of two cores hold, before
 * the complete run.
 *
 * @param seeds repetitions: each has labels, flips, members and runs of its own; pools are shared
 * @param pools prompts that best of n is measured at
 * @param poolSize completions of each, N
 * @param labelPositions prompts of a seed's labels
 * @param labelSamples completions of each of them
 * @param members K
 * @param flips the share of flipped labels, beside none
 * @param learned the first so many pools' prompts are learned on
 * @param completions of a prompt in an iteration of learning
 * @param iterations of a run of learning, a multiple of 4
 * @param learningRate of AdamW in learning
 */
record EnsemblesPlan(
    int seeds,
    int pools,
    int poolSize,
    int labelPositions,
    int labelSamples,
    int members,
    double flips,
    int learned,
    int completions,
    int iterations,
    double learningRate) {
  /** Of an iteration, of a pool and of a label: as a run's samples have them. */
  static final int PROMPT_TOKENS = 64;

  /** The same. */
  static final int NEW_TOKENS = 12;

  /** Checks what depends on each other. */
  EnsemblesPlan {
    if (learned > pools || iterations % 4 != 0) {
      throw new IllegalArgumentException(
          "learned: %d, iterations: %d (expected: at most %d, a multiple of 4)"
              .formatted(learned, iterations, pools));
    }
  }

  /** What the command runs. */
  static EnsemblesPlan standard(int seeds) {
    return new EnsemblesPlan(seeds, 20, 4_096, 400, 8, 5, 0.25, 12, 8, 12, 5e-4);
  }

  /** 1, 2, 4, … N. */
  List<Integer> ns() {
    return BestOfNPlan.powersOfTwo(poolSize);
  }

  /** How members are trained. */
  HeadTrainer.Options training() {
    return HeadTrainer.Options.defaults();
  }
}
