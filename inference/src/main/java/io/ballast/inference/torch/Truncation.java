package io.ballast.inference.torch;

import io.ballast.inference.api.SamplingOptions;
import java.util.Arrays;

/**
 * Finds which tokens of a row top-k, top-p and min-p leave, in that order. Tokens rank by their
 * weight, then by their id. Plain Java; keeps scratch memory, so one for each thread.
 *
 * <p>A vocabulary of 150,000 tokens is not sorted: weights are counted into buckets, sixteen for
 * each power of two, and only the bucket in which a cut falls is sorted.
 */
final class Truncation {
  /** Bits of a float that do not choose its bucket: 19 leave sign, exponent and four bits. */
  private static final int SHIFT = 19;

  private static final int BUCKETS = (Float.floatToRawIntBits(Float.MAX_VALUE) >>> SHIFT) + 1;

  private final int[] counts = new int[BUCKETS];
  private final double[] masses = new double[BUCKETS];
  private int highest;
  private float largest;

  /**
   * The last token that is kept, in the order of rank.
   *
   * @param weight all tokens of greater weight are kept
   * @param lastId of those of equal weight, the ids up to this
   */
  record Cut(float weight, int lastId) {
    static final Cut NONE = new Cut(0, Integer.MAX_VALUE);

    boolean keeps(float other, int id) {
      return other > weight || (other == weight && id <= lastId);
    }

    private Cut stricter(Cut other) {
      boolean mine = weight > other.weight || (weight == other.weight && lastId <= other.lastId);
      return mine ? this : other;
    }
  }

  /** Whether {@code options} keep all of {@code count} tokens. */
  static boolean keepsAll(SamplingOptions options, int count) {
    return (options.topK() == 0 || options.topK() >= count)
        && options.topP() == 1
        && options.minP() == 0;
  }

  /**
   * Returns where {@code options} cut.
   *
   * @param weights in proportion to the probabilities, finite, ≥ 0, those of {@code count} tokens
   *     from {@code from} on
   */
  Cut cut(float[] weights, int from, int count, SamplingOptions options) {
    count(weights, from, count);
    Cut cut = Cut.NONE;
    double total = 0;
    for (int bucket = 0; bucket <= highest; bucket++) {
      total += masses[bucket];
    }
    if (options.topK() > 0 && options.topK() < count) {
      int above = 0;
      double massAbove = 0;
      int bucket = highest;
      while (above + counts[bucket] < options.topK()) {
        above += counts[bucket];
        massAbove += masses[bucket];
        bucket--;
      }
      long[] ranked = ranked(weights, from, count, bucket);
      int kept = options.topK() - above;
      total = massAbove;
      for (int i = 0; i < kept; i++) {
        total += weight(ranked[i]);
      }
      cut = cutAfter(ranked[kept - 1]);
    }
    if (options.topP() < 1) {
      cut = cut.stricter(nucleus(weights, from, count, options.topP() * total));
    }
    if (options.minP() > 0) {
      double least = options.minP() * largest;
      float weight = (float) least;
      cut = cut.stricter(new Cut(weight < least ? Math.nextUp(weight) : weight, Integer.MAX_VALUE));
    }
    return cut;
  }

  private void count(float[] weights, int from, int count) {
    Arrays.fill(counts, 0);
    Arrays.fill(masses, 0);
    largest = 0;
    for (int i = from; i < from + count; i++) {
      float weight = weights[i];
      int bucket = Float.floatToRawIntBits(weight) >>> SHIFT;
      counts[bucket]++;
      masses[bucket] += weight;
      largest = Math.max(largest, weight);
    }
    highest = Float.floatToRawIntBits(largest) >>> SHIFT;
  }

  /** Cuts after the token whose weight, with those before it, reaches {@code target}. */
  private Cut nucleus(float[] weights, int from, int count, double target) {
    double reached = 0;
    int bucket = highest;
    while (bucket >= 0 && reached + masses[bucket] < target) {
      reached += masses[bucket];
      bucket--;
    }
    if (bucket < 0) {
      return Cut.NONE; // rounding: all of them do not quite reach what they sum to
    }
    long[] ranked = ranked(weights, from, count, bucket);
    for (long candidate : ranked) {
      reached += weight(candidate);
      if (reached >= target) {
        return cutAfter(candidate);
      }
    }
    return cutAfter(ranked[ranked.length - 1]);
  }

  /** The tokens of one bucket by rank, each as its weight's bits, negated, and its id. */
  private long[] ranked(float[] weights, int from, int count, int bucket) {
    long[] ranked = new long[counts[bucket]];
    int size = 0;
    for (int id = 0; id < count; id++) {
      int bits = Float.floatToRawIntBits(weights[from + id]);
      if (bits >>> SHIFT == bucket) {
        // bits of floats ≥ 0 rank as the floats do; negated, the likeliest sort first, then low ids
        ranked[size++] = (-(long) bits << 32) | id;
      }
    }
    Arrays.sort(ranked);
    return ranked;
  }

  private static Cut cutAfter(long ranked) {
    return new Cut(weight(ranked), (int) ranked);
  }

  private static float weight(long ranked) {
    int id = (int) ranked;
    return Float.intBitsToFloat((int) -((ranked - id) >> 32));
  }
}
