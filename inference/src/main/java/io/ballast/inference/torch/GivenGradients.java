package io.ballast.inference.torch;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** Collects what the caller gave for each group of a micro-batch, checked, in the packed order. */
final class GivenGradients {
  private final float[] byLogProbs;
  private final float[] byEntropies;
  private boolean anyEntropy;
  private int count;

  GivenGradients(int predicted) {
    byLogProbs = new float[predicted];
    byEntropies = new float[predicted];
  }

  /**
   * Appends a group's gradients.
   *
   * @throws IllegalArgumentException if one is not finite, or they are not one for each token
   */
  void add(int index, CompletionGroup group, TokenGradients gradients) {
    String name = "gradients[" + index + "]";
    requireCount(gradients.byLogProbs(), group, name + ".byLogProbs");
    boolean entropy = !gradients.byEntropies().isEmpty();
    if (entropy) {
      requireCount(gradients.byEntropies(), group, name + ".byEntropies");
      anyEntropy = true;
    }
    for (int g = 0; g < group.size(); g++) {
      TokenIds completion = group.completions().get(g);
      String logProbName = name + ".byLogProbs[" + g + "]";
      copy(gradients.byLogProbs().get(g), completion, byLogProbs, logProbName);
      if (entropy) {
        String entropyName = name + ".byEntropies[" + g + "]";
        copy(gradients.byEntropies().get(g), completion, byEntropies, entropyName);
      }
      count += completion.size();
    }
  }

  private static void requireCount(List<PerToken> given, CompletionGroup group, String name) {
    if (given.size() != group.size()) {
      throw new IllegalArgumentException(
          name + ": of " + given.size() + " completions (expected: " + group.size() + ")");
    }
  }

  private void copy(PerToken given, TokenIds completion, float[] target, String name) {
    if (given.size() != completion.size()) {
      throw new IllegalArgumentException(
          name + ": of " + given.size() + " tokens (expected: " + completion.size() + ")");
    }
    for (int t = 0; t < given.size(); t++) {
      if (!Float.isFinite(given.get(t))) {
        throw new IllegalArgumentException(
            name + "[" + t + "]: " + given.get(t) + " (expected: finite)");
      }
      target[count + t] = given.get(t);
    }
  }

  Tensor byLogProbs(ScalarType type) {
    return Tensors.of(byLogProbs, byLogProbs.length).to(type);
  }

  @Nullable Tensor byEntropies(ScalarType type) {
    return anyEntropy ? Tensors.of(byEntropies, byEntropies.length).to(type) : null;
  }
}
