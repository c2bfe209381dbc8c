package io.ballast.orchestrator.testing;

/** Specs of short runs: 3 iterations of 2 prompts, 3 completions each. */
public final class TestSpecs {
  private TestSpecs() {}

  /** A run called {@code name} from version 1 of the tiny model. */
  public static String spec(String name) {
    return spec(name, "");
  }

  /** The same with a composite for its reward: it tells no spread, so that none is limited. */
  public static String composed(String name, String more) {
    return spec(name, "reward: {model: mix, version: 2, aggregation: NONE}\n" + more)
        .replace("stop: {spread_growth: 1000}\n", "");
  }

  /** The same with other held-out prompts: a prompt serves one test. */
  public static String testedOnOthers(String spec) {
    return spec.replace("\"long ", "\"other ");
  }

  /** The same that learns from labelled data, two rows an iteration. */
  public static String onData(String name, String prompts, String more) {
    return spec(name, more)
        .replace("  completions_per_prompt: 3\n", "")
        .replace("  min_group: 2\n", "")
        .replace("kl: {stop_at: 1000}\n", "")
        .replace("stop: {spread_growth: 1000}\n", "")
        .replace(
            "prompts: {inline: [\"int a\", \"int b\", \"int c\", \"int d\", \"int e\"]}",
            "prompts: " + prompts);
  }

  /** The same with {@code more} keys at the end. */
  public static String spec(String name, String more) {
    return """
        name: %s
        policy: {model: tiny, version: 1}
        iterations: 3
        seed: 5
        learning_rate: 0.5
        rollout:
          prompts_per_iteration: 2
          completions_per_prompt: 3
          max_new_tokens: 6
          min_group: 2
        prompts: {inline: ["int a", "int b", "int c", "int d", "int e"]}
        kl: {stop_at: 1000}
        stop: {spread_growth: 1000}
        safety_test:
          threshold: 0.4
          prompts: {inline: ["long x", "long y", "long z"]}
        %s
        """
        .formatted(name, more);
  }
}
