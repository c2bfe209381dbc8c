package io.ballast.standalone.demo.position;

/**
 * How many positions each set holds, each ≥ 1.
 *
 * @param suggestions asked first, with feedback
 * @param ranking at which the reward's order is measured before the runs
 * @param learning prompts that the runs sample from
 * @param safety held-out prompts of each safety test
 * @param comparison answered by old and new at the end
 */
public record SetSizes(int suggestions, int ranking, int learning, int safety, int comparison) {
  public SetSizes {
    require(suggestions, "suggestions");
    require(ranking, "ranking");
    require(learning, "learning");
    require(safety, "safety");
    require(comparison, "comparison");
  }

  private static void require(int value, String name) {
    if (value < 1) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: ≥ 1)");
    }
  }
}
