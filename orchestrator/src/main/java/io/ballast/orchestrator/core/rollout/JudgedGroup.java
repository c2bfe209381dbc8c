package io.ballast.orchestrator.core.rollout;

import io.ballast.inference.api.TokenIds;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * The judged completions of one prompt.
 *
 * @param prompt the text
 * @param promptTokens what the policy saw
 * @param completions of the policy, shape [G]
 * @param beside those that the policy's are compared with: a greedy one, or the reference's
 */
public record JudgedGroup(
    String prompt,
    TokenIds promptTokens,
    List<JudgedCompletion> completions,
    List<JudgedCompletion> beside) {
  /** Copies the lists. */
  public JudgedGroup {
    completions = List.copyOf(completions);
    beside = List.copyOf(beside);
  }

  /** One number of each completion, shape [G]. */
  public double[] numbers(ToDoubleFunction<JudgedCompletion> number) {
    return completions.stream().mapToDouble(number).toArray();
  }
}
