package io.ballast.inference.torch;

import io.ballast.inference.api.SamplingOptions;
import java.util.Arrays;
import java.util.BitSet;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Draws a token from a row of probabilities. Plain Java; a draw takes one random number. */
final class Sampler {
  /**
   * A draw.
   *
   * @param tokenId what was drawn
   * @param logProb its log-probability under the distribution that was drawn from; 0 when greedy
   */
  record Draw(int tokenId, float logProb) {}

  private Sampler() {}

  /**
   * Draws one of the {@code count} tokens whose probabilities begin at {@code from}.
   *
   * @param probabilities at the options' temperature (at any if greedy); finite, ≥ 0
   * @param allowed the only tokens that may be drawn, at least one; absent means all
   */
  static Draw draw(
      float[] probabilities,
      int from,
      int count,
      SamplingOptions options,
      @Nullable BitSet allowed,
      RandomGenerator random) {
    if (options.temperature() == 0) {
      return new Draw(likeliest(probabilities, from, count, allowed), 0);
    }
    boolean whole =
        allowed == null && (options.topK() == 0 || options.topK() >= count) && options.topP() == 1;
    if (whole) {
      return drawFromAll(probabilities, from, count, random);
    }
    long[] ranked = ranked(probabilities, from, count, options, allowed);
    boolean sumsToOne = allowed == null && options.topK() == 0;
    return drawFromRanked(ranked, kept(ranked, options, sumsToOne), random);
  }

  private static int likeliest(
      float[] probabilities, int from, int count, @Nullable BitSet allowed) {
    int best = -1;
    for (int id = 0; id < count; id++) {
      boolean better = best < 0 || probabilities[from + id] > probabilities[from + best];
      if (better && (allowed == null || allowed.get(id))) {
        best = id;
      }
    }
    return best;
  }

  private static Draw drawFromAll(
      float[] probabilities, int from, int count, RandomGenerator random) {
    double total = 0;
    for (int id = 0; id < count; id++) {
      total += probabilities[from + id];
    }
    double left = random.nextDouble() * total;
    int drawn = -1;
    for (int id = 0; id < count; id++) {
      float probability = probabilities[from + id];
      if (probability > 0) {
        drawn = id;
        left -= probability;
        if (left < 0) {
          break;
        }
      }
    }
    return new Draw(drawn, (float) Math.log(probabilities[from + drawn] / total));
  }

  /** Returns the candidates, likeliest first, each as its probability's bits and its id. */
  private static long[] ranked(
      float[] probabilities,
      int from,
      int count,
      SamplingOptions options,
      @Nullable BitSet allowed) {
    // tokens below (1 − p)/V weigh less than 1 − p together: the nucleus needs none of them
    double floor = allowed == null && options.topK() == 0 ? (1 - options.topP()) / count : 0;
    long[] candidates = new long[count];
    int size = 0;
    for (int id = 0; id < count; id++) {
      float probability = probabilities[from + id];
      if (probability >= floor && (allowed == null || allowed.get(id))) {
        // bits of floats ≥ 0 rank as the floats do; negated, the likeliest sort first, then low ids
        candidates[size++] = (-(long) Float.floatToRawIntBits(probability) << 32) | id;
      }
    }
    long[] ranked = Arrays.copyOf(candidates, size);
    Arrays.sort(ranked);
    return ranked;
  }

  private static float probability(long ranked) {
    int id = (int) ranked;
    return Float.intBitsToFloat((int) -((ranked - id) >> 32));
  }

  /** How many of the ranked candidates may be drawn: top-k first, then top-p of what it leaves. */
  private static int kept(long[] ranked, SamplingOptions options, boolean sumsToOne) {
    int kept = options.topK() == 0 ? ranked.length : Math.min(options.topK(), ranked.length);
    if (options.topP() == 1) {
      return kept;
    }
    double total = sumsToOne ? 1 : sum(ranked, kept);
    double reached = 0;
    for (int i = 0; i < kept; i++) {
      reached += probability(ranked[i]);
      if (reached >= options.topP() * total) {
        return i + 1;
      }
    }
    return kept;
  }

  private static double sum(long[] ranked, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += probability(ranked[i]);
    }
    return sum;
  }

  private static Draw drawFromRanked(long[] ranked, int kept, RandomGenerator random) {
    double total = sum(ranked, kept);
    if (total == 0) {
      // what agrees with the typed text has underflowed: the likeliest of it is as good as any
      random.nextDouble();
      return new Draw((int) ranked[0], 0);
    }
    double left = random.nextDouble() * total;
    int at = 0;
    for (int i = 0; i < kept; i++) {
      if (probability(ranked[i]) > 0) {
        at = i;
        left -= probability(ranked[i]);
        if (left < 0) {
          break;
        }
      }
    }
    return new Draw((int) ranked[at], (float) Math.log(probability(ranked[at]) / total));
  }
}
