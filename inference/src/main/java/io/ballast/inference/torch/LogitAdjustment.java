package io.ballast.inference.torch;

import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one completion's options do to the logits of the tokens that they name or that were seen,
 * before temperature and truncation. Few tokens of a vocabulary are concerned; each has a slot.
 *
 * <pre>
 * l₁ = l + bias
 * l₂ = l₁ / θ if l₁ ≥ 0, l₁ · θ if l₁ &lt; 0     for tokens of prompt or completion
 * l₃ = l₂ − presence − frequency · n              for tokens that the completion contains n ≥ 1 times
 * l₄ = −∞                                         for tokens that end, before minNewTokens
 * </pre>
 *
 * <p>Sources: bias and then θ as {@code SequenceBiasLogitsProcessor} and {@code
 * RepetitionPenaltyLogitsProcessor} of Hugging Face transformers, in its order (θ: Keskar et al.
 * 2019, CTRL, §4.1, arXiv:1909.05858); presence and frequency as the OpenAI API defines them; the
 * last as {@code MinNewTokensLengthLogitsProcessor}. Plain Java.
 */
final class LogitAdjustment {
  private final double repetition;
  private final double presence;
  private final double frequency;
  private final boolean penalises;
  private final int minNewTokens;
  private final Map<Integer, Integer> slots = new HashMap<>();
  private int[] ids = new int[8];
  private int[] counts = new int[8];
  private boolean[] seen = new boolean[8];
  private boolean[] ends = new boolean[8];
  private double[] biases = new double[8];
  private int drawn;

  private LogitAdjustment(SamplingOptions options, TokenIds prompt, int[] endIds) {
    this.repetition = options.repetitionPenalty();
    this.presence = options.presencePenalty();
    this.frequency = options.frequencyPenalty();
    this.penalises = repetition != 1 || presence != 0 || frequency != 0;
    this.minNewTokens = options.minNewTokens();
    // a new slot may move the arrays: it is taken before they are named
    options
        .logitBias()
        .forEach(
            (id, bias) -> {
              int slot = slot(id);
              biases[slot] = bias;
            });
    if (minNewTokens > 0) {
      for (int id : endIds) {
        int slot = slot(id);
        ends[slot] = true;
      }
    }
    if (repetition != 1) {
      for (int i = 0; i < prompt.size(); i++) {
        int slot = slot(prompt.get(i));
        seen[slot] = true;
      }
    }
  }

  /**
   * Returns what {@code options} do; absent if they leave all logits as they are.
   *
   * @param prompt the tokens that the model saw
   * @param endIds the tokens that end a completion
   */
  static @Nullable LogitAdjustment of(SamplingOptions options, TokenIds prompt, int... endIds) {
    boolean changesNothing =
        options.repetitionPenalty() == 1
            && options.presencePenalty() == 0
            && options.frequencyPenalty() == 0
            && options.logitBias().isEmpty()
            && options.minNewTokens() == 0;
    return changesNothing ? null : new LogitAdjustment(options, prompt, endIds);
  }

  private int slot(int id) {
    Integer known = slots.get(id);
    if (known != null) {
      return known;
    }
    int slot = slots.size();
    slots.put(id, slot);
    if (slot == ids.length) {
      ids = Arrays.copyOf(ids, 2 * slot);
      counts = Arrays.copyOf(counts, 2 * slot);
      seen = Arrays.copyOf(seen, 2 * slot);
      ends = Arrays.copyOf(ends, 2 * slot);
      biases = Arrays.copyOf(biases, 2 * slot);
    }
    ids[slot] = id;
    return slot;
  }

  /** Frees the slots of tokens that nothing concerns but that they end. */
  private void letEnds() {
    for (int slot = slots.size() - 1; slot >= 0; slot--) {
      if (!ends[slot]) {
        continue;
      }
      ends[slot] = false;
      if (!seen[slot] && counts[slot] == 0 && biases[slot] == 0) {
        int last = slots.size() - 1; // it takes the place of the one that goes
        slots.remove(ids[slot]);
        if (slot != last) {
          slots.put(ids[last], slot);
        }
        ids[slot] = ids[last];
        counts[slot] = counts[last];
        seen[slot] = seen[last];
        biases[slot] = biases[last];
        counts[last] = 0;
        seen[last] = false;
        biases[last] = 0;
      }
    }
  }

  /** How many tokens are concerned now. */
  int size() {
    return slots.size();
  }

  /** The token of a slot, 0 to {@link #size} − 1. */
  int id(int slot) {
    return ids[slot];
  }

  /** Returns what becomes of the logit of a slot's token. */
  float adjusted(int slot, float logit) {
    if (ends[slot]) {
      return Float.NEGATIVE_INFINITY;
    }
    double adjusted = logit + biases[slot];
    if (seen[slot]) {
      adjusted = adjusted < 0 ? adjusted * repetition : adjusted / repetition;
    }
    if (counts[slot] > 0) {
      adjusted -= presence + frequency * counts[slot];
    }
    return (float) adjusted;
  }

  /** Takes note of a token of the completion. */
  void accept(int tokenId) {
    drawn++;
    if (drawn == minNewTokens) {
      letEnds();
    }
    if (penalises) {
      int slot = slot(tokenId);
      seen[slot] = true;
      counts[slot]++;
    }
  }
}
