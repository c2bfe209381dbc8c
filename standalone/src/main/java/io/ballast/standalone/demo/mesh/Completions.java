package io.ballast.standalone.demo.mesh;

import java.util.List;

/**
 * What was sampled for one prompt.
 *
 * @param promptTokens that the model saw
 */
public record Completions(List<Integer> promptTokens, List<Completion> completions) {
  public Completions {
    promptTokens = List.copyOf(promptTokens);
    completions = List.copyOf(completions);
  }

  /**
   * One completion.
   *
   * @param text what is to be inserted
   * @param logProbs in nats, one for each token, at temperature 1
   */
  public record Completion(String text, List<Integer> tokens, List<Float> logProbs) {
    public Completion {
      tokens = List.copyOf(tokens);
      logProbs = List.copyOf(logProbs);
    }
  }
}
