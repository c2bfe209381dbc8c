package io.ballast.orchestrator.core.rollout;

import io.ballast.inference.api.TokenIds;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * The judged completions of one prompt.
 *
 * @param prompt the text
 * @param promptTokens what the policy saw
 * @param completions shape [G]
 */
public record JudgedGroup(
    String prompt, TokenIds promptTokens, List<JudgedCompletion> completions) {
  /** Copies the list. */
  public JudgedGroup {
    completions = List.copyOf(completions);
  }

  /** One number of each completion, shape [G]. */
  public double[] numbers(ToDoubleFunction<JudgedCompletion> number) {
    return completions.stream().mapToDouble(number).toArray();
  }
}
