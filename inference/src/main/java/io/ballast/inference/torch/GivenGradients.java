package io.ballast.inference.torch;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** Collects what the caller gave for each group of a micro-batch, checked, in the packed order. */
final class GivenGradients {
  /** The derivatives by one kind of number. */
  private static final class Column {
    final String name;
    final float[] values;
    boolean any;
    boolean nonZero;

    Column(String name, int predicted) {
      this.name = name;
      this.values = new float[predicted];
    }

    Tensor tensor(ScalarType type) {
      return Tensors.of(values, values.length).to(type);
    }

    void put(int at, float value) {
      values[at] = value;
      nonZero |= value != 0;
    }

    @Nullable Tensor tensorIfAny(ScalarType type) {
      return any ? tensor(type) : null;
    }
  }

  private final boolean critic;
  private final Column byLogProbs;
  private final Column byEntropies;
  private final Column byValues;
  private int count;

  /**
   * @param predicted tokens of the micro-batch
   * @param critic whether there are values to have derivatives by
   */
  GivenGradients(int predicted, boolean critic) {
    this.critic = critic;
    byLogProbs = new Column("byLogProbs", predicted);
    byEntropies = new Column("byEntropies", predicted);
    byValues = new Column("byValues", predicted);
  }

  /**
   * Appends a group's gradients.
   *
   * @throws IllegalArgumentException if one is not finite, they are not one for each token, or they
   *     are by values that there are not
   */
  void add(int index, CompletionGroup group, TokenGradients gradients) {
    String name = "gradients[" + index + "].";
    put(byLogProbs, gradients.byLogProbs(), group, name);
    if (!gradients.byEntropies().isEmpty()) {
      put(byEntropies, gradients.byEntropies(), group, name);
    }
    if (!gradients.byValues().isEmpty()) {
      if (!critic) {
        throw new IllegalArgumentException(
            name
                + "byValues: of "
                + gradients.byValues().size()
                + " completions (expected: none, the decoder has no critic)");
      }
      put(byValues, gradients.byValues(), group, name);
    }
    count += group.completions().stream().mapToInt(TokenIds::size).sum();
  }

  private void put(Column column, List<PerToken> given, CompletionGroup group, String prefix) {
    String name = prefix + column.name;
    if (given.size() != group.size()) {
      throw new IllegalArgumentException(
          name + ": of " + given.size() + " completions (expected: " + group.size() + ")");
    }
    int at = count;
    for (int g = 0; g < group.size(); g++) {
      TokenIds completion = group.completions().get(g);
      copy(given.get(g), completion, column, at, name + "[" + g + "]");
      at += completion.size();
    }
    column.any = true;
  }

  private static void copy(
      PerToken given, TokenIds completion, Column column, int at, String name) {
    if (given.size() != completion.size()) {
      throw new IllegalArgumentException(
          name + ": of " + given.size() + " tokens (expected: " + completion.size() + ")");
    }
    for (int t = 0; t < given.size(); t++) {
      if (!Float.isFinite(given.get(t))) {
        throw new IllegalArgumentException(
            name + "[" + t + "]: " + given.get(t) + " (expected: finite)");
      }
      column.put(at + t, given.get(t));
    }
  }

  /** Whether all that was given are zeros, which change no gradient. */
  boolean allZero() {
    return !byLogProbs.nonZero && !byEntropies.nonZero && !byValues.nonZero;
  }

  Tensor byLogProbs(ScalarType type) {
    return byLogProbs.tensor(type);
  }

  /** Absent if no group's loss has entropy in it. */
  @Nullable Tensor byEntropies(ScalarType type) {
    return byEntropies.tensorIfAny(type);
  }

  /** Absent if no group's loss has values in it. */
  @Nullable Tensor byValues(ScalarType type) {
    return byValues.tensorIfAny(type);
  }
}
