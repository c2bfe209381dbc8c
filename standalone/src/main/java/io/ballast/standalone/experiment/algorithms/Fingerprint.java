package io.ballast.standalone.experiment.algorithms;

import io.ballast.kit.digest.Sha256;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.rl.algorithm.Algorithm;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What two curves must have in common to be of one comparison: how gold is drawn, what is learned
 * from and how that was made, and all that the orchestrator makes of a run's spec, so that another
 * default or another recipe is another run.
 */
final class Fingerprint {
  private static final int SHOWN_DIGITS = 12;

  /** Which prompts a run's test uses up is of no curve. */
  private static final List<String> ANY_HELD_OUT =
      IntStream.range(0, RunSpecs.HELD_OUT).mapToObj("held out %d"::formatted).toList();

  private final AlgorithmsPlan plan;
  private final String common;

  /**
   * Binds what all runs of a comparison have in common.
   *
   * @param inputs what came from elsewhere: checksums of models, prompts and positions
   */
  Fingerprint(AlgorithmsPlan plan, List<String> inputs) {
    this.plan = plan;
    this.common =
        "%d tokens, %d × %d, rate %s, %s every %d at %d × %d, prompts of %d, completions of %d, defaults %d, %s"
            .formatted(
                plan.tokens(),
                plan.prompts(),
                plan.completions(),
                plan.learningRate(),
                HeldOutGold.how(),
                plan.every(),
                plan.positions(),
                plan.draws(),
                AlgorithmsPlan.PROMPT_TOKENS,
                AlgorithmsPlan.NEW_TOKENS,
                RunSpec.DEFAULTS_VERSION,
                String.join(", ", inputs));
  }

  /** A folder's name for the comparison, whichever algorithms and seeds it has. */
  String folder() {
    return shown(common);
  }

  /** All that decides the curve of a run. */
  String of(Algorithm algorithm, int seed) {
    String made = RunSpecs.fromData(algorithm) ? "; " + OfflinePairs.how() : "";
    return common + made + "; " + read(algorithm, seed);
  }

  /** A part of a file's name for a curve that {@code fingerprint} decides. */
  static String shown(String fingerprint) {
    return Sha256.of(fingerprint).substring(0, SHOWN_DIGITS);
  }

  private RunSpec read(Algorithm algorithm, int seed) {
    RunSpecs specs = new RunSpecs(plan);
    return new SpecParser()
        .apply(
            RunSpecs.fromData(algorithm)
                ? specs.labelled(
                    algorithm, seed, plan.iterations(), OfflinePairs.file(seed), ANY_HELD_OUT)
                : specs.sampling(algorithm, seed, ANY_HELD_OUT));
  }
}
