package io.ballast.inference.search;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;

/**
 * N completions drawn side by side, of which one is chosen. For callers of this library: no RPC of
 * the mesh does so.
 *
 * @param completions as they were drawn, completion i with {@link Decoder#seedOf}
 * @param chosen the index of the chosen one
 */
public record BestOfN(List<Generation> completions, int chosen) {
  public BestOfN {
    completions = List.copyOf(completions);
  }

  /** The chosen completion. */
  public Generation best() {
    return completions.get(chosen);
  }

  /**
   * Draws {@code count} completions and chooses the one whose tokens the model finds likeliest on
   * average.
   *
   * <pre>chosen = argmaxᵢ (1/Tᵢ) Σₜ log p(yᵢₜ)</pre>
   *
   * <p>The log-probabilities are the model's (temperature 1, untruncated), whatever they were drawn
   * with. A completion without tokens is chosen only if all are; of equals the first is.
   *
   * @throws IllegalArgumentException as {@link Decoder#generate(GenerationRequest, int)}
   * @throws io.ballast.inference.api.ModelException as {@link Decoder#generate(GenerationRequest,
   *     int)}, or if one of them fails; the others are cancelled then
   */
  public static BestOfN byMeanLogProb(Decoder decoder, GenerationRequest request, int count) {
    List<GenerationHandle> handles = decoder.generate(request, count);
    try {
      List<Generation> completions = new ArrayList<>();
      for (GenerationHandle handle : handles) {
        completions.add(handle.result().join());
      }
      return new BestOfN(completions, likeliest(completions));
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw e;
    } finally {
      handles.forEach(GenerationHandle::cancel);
    }
  }

  private static int likeliest(List<Generation> completions) {
    int likeliest = 0;
    for (int i = 1; i < completions.size(); i++) {
      if (mean(completions.get(i)) > mean(completions.get(likeliest))) {
        likeliest = i;
      }
    }
    return likeliest;
  }

  private static double mean(Generation completion) {
    int tokens = completion.tokens().size();
    return tokens == 0 ? Double.NEGATIVE_INFINITY : completion.logProbs().sum() / tokens;
  }
}
