package io.ballast.standalone.experiment.algorithms;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.algorithm.SourceKind;
import java.util.List;
import java.util.Locale;

/** What a run of each algorithm is asked with: the same for all, but for what the name decides. */
final class RunSpecs {
  static final String MODEL = "java-tiny";
  static final String VERSION = "1";

  /** Of a run's safety test, which is not looked at; a prompt serves one test. */
  private static final int TEST_PROMPTS = 4;

  /** Of an evaluation, which is not looked at either. */
  private static final int EVALUATION_PROMPTS = 2;

  /** How many held-out prompts a run takes. */
  static final int HELD_OUT = TEST_PROMPTS + EVALUATION_PROMPTS;

  /**
   * A labelled completion is written with its end, and may be split otherwise than it was sampled.
   */
  private static final int LABELLED_TOKENS = 2 * AlgorithmsPlan.NEW_TOKENS;

  /** A few that the mesh cannot read end no run; how many there were is told. */
  private static final int BAD_ROWS = 16;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final AlgorithmsPlan plan;

  RunSpecs(AlgorithmsPlan plan) {
    this.plan = plan;
  }

  /** Whether it learns from labelled data, and samples none. */
  static boolean fromData(Algorithm algorithm) {
    return algorithm.recipe(AlgorithmsPlan.NEW_TOKENS).source() == SourceKind.DATA;
  }

  /**
   * A run that samples until its budget is used up. A limit that is named measures KL in each
   * iteration; none of those is meant to be reached.
   *
   * @param heldOut {@link #HELD_OUT} prompts that no other run takes
   */
  String sampling(Algorithm algorithm, int seed, List<String> heldOut) {
    return common(algorithm, seed, plan.mostIterations(), heldOut)
        + """
        budget: {tokens: %d}
        rollout: {prompts_per_iteration: %d, completions_per_prompt: %d, max_prompt_tokens: %d, max_new_tokens: %d}
        prompts: {file: %s}
        kl: {stop_at: 1000}
        stop: {spread_growth: 1000}
        watch: {max_spread_growth: 1000}
        """
            .formatted(
                plan.tokens(),
                plan.prompts(),
                plan.completions(),
                AlgorithmsPlan.PROMPT_TOKENS,
                AlgorithmsPlan.NEW_TOKENS,
                RunPrompts.LEARNING_FILE);
  }

  /**
   * A run that learns from pairs. It is evaluated so that the mesh writes its weights after each
   * iteration, where nobody would sample from them otherwise.
   *
   * @param iterations how many updates
   * @param pairs their file, below the mesh's data folder
   * @param heldOut {@link #HELD_OUT} prompts that no other run takes
   */
  String labelled(
      Algorithm algorithm, int seed, int iterations, String pairs, List<String> heldOut) {
    return common(algorithm, seed, iterations, heldOut)
        + """
        rollout: {prompts_per_iteration: %d, max_prompt_tokens: %d, max_new_tokens: %d}
        prompts: {pairs: %s, max_bad_rows: %d}
        evaluation: {every: 100000, completions: 1, prompts: {inline: %s}}
        """
            .formatted(
                plan.prompts(),
                AlgorithmsPlan.PROMPT_TOKENS,
                LABELLED_TOKENS,
                pairs,
                BAD_ROWS,
                quoted(heldOut.subList(TEST_PROMPTS, HELD_OUT)));
  }

  private String common(Algorithm algorithm, int seed, int iterations, List<String> heldOut) {
    return """
        name: %s-%d
        policy: {model: %s, version: "%s"}
        iterations: %d
        seed: %d
        algorithm: %s
        learning_rate: %s
        constraint: {enabled: false}
        safety_test: {cost_model: {model: java-cost, version: "2"}, threshold: 0.9, delta: 0.1, max_new_tokens: 1, prompts: {inline: %s}}
        promotion: NEVER
        """
        .formatted(
            algorithm.name().toLowerCase(Locale.ROOT).replace('_', '-'),
            seed,
            MODEL,
            VERSION,
            iterations,
            seed,
            algorithm,
            plan.learningRate(),
            quoted(heldOut.subList(0, TEST_PROMPTS)));
  }

  private static String quoted(List<String> texts) {
    try {
      return JSON.writeValueAsString(texts);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
