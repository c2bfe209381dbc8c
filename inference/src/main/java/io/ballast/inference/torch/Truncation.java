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
   * @param sum of those weights
   */
  Cut cut(float[] weights, int from, int count, double sum, SamplingOptions options) {
    boolean topK = options.topK() > 0 && options.topK() < count;
    Cut cut = Cut.NONE;
    double total = sum;
    // weights below (1 − p)/V of the sum weigh less than 1 − p together: the nucleus needs none
    // what weighs nothing is never drawn, and a grammar may leave little else
    float floor =
        topK
            ? Float.MIN_VALUE
            : Math.max(Float.MIN_VALUE, (float) ((1 - options.topP()) / count * sum));
    if (topK || options.topP() < 1) {
      count(weights, from, count, floor);
    } else {
      largest = largest(weights, from, count);
    }
    if (topK) {
      int above = 0;
      double massAbove = 0;
      int bucket = highest;
      while (bucket >= 0 && above + counts[bucket] < options.topK()) {
        above += counts[bucket];
        massAbove += masses[bucket];
        bucket--;
      }
      if (bucket >= 0) { // else there are fewer
        long[] ranked = ranked(weights, from, count, bucket, floor);
        int kept = options.topK() - above;
        total = massAbove;
        for (int i = 0; i < kept; i++) {
          total += weight(ranked[i]);
        }
        cut = cutAfter(ranked[kept - 1]);
      }
    }
    if (options.topP() < 1) {
      cut = cut.stricter(nucleus(weights, from, count, options.topP() * total, floor));
    }
    if (options.minP() > 0) {
      double least = options.minP() * largest;
      float weight = (float) least;
      cut = cut.stricter(new Cut(weight < least ? Math.nextUp(weight) : weight, Integer.MAX_VALUE));
    }
    return cut;
  }

  /** Counts the weights from {@code floor} on into their buckets. */
  private void count(float[] weights, int from, int count, float floor) {
    Arrays.fill(counts, 0);
    Arrays.fill(masses, 0);
    float most = 0;
    for (int i = from; i < from + count; i++) {
      float weight = weights[i];
      if (weight >= floor) {
        int bucket = Float.floatToRawIntBits(weight) >>> SHIFT;
        counts[bucket]++;
        masses[bucket] += weight;
        if (weight > most) {
          most = weight;
        }
      }
    }
    largest = most;
    highest = Float.floatToRawIntBits(largest) >>> SHIFT;
  }

  private static float largest(float[] weights, int from, int count) {
    float largest = 0;
    for (int i = from; i < from + count; i++) {
      if (weights[i] > largest) {
        largest = weights[i];
      }
    }
    return largest;
  }

  /** Cuts after the token whose weight, with those before it, reaches {@code target}. */
  private Cut nucleus(float[] weights, int from, int count, double target, float floor) {
    double reached = 0;
    int bucket = highest;
    while (bucket >= 0 && reached + masses[bucket] < target) {
      reached += masses[bucket];
      bucket--;
    }
    if (bucket < 0) {
      return new Cut(floor, Integer.MAX_VALUE); // rounding: they do not quite reach their own sum
    }
    long[] ranked = ranked(weights, from, count, bucket, floor);
    for (long candidate : ranked) {
      reached += weight(candidate);
      if (reached >= target) {
        return cutAfter(candidate);
      }
    }
    return cutAfter(ranked[ranked.length - 1]);
  }

  /** The tokens of one bucket by rank, each as its weight's bits, negated, and its id. */
  private long[] ranked(float[] weights, int from, int count, int bucket, float floor) {
    long[] ranked = new long[counts[bucket]];
    int size = 0;
    for (int id = 0; id < count; id++) {
      float weight = weights[from + id];
      int bits = Float.floatToRawIntBits(weight);
      if (bits >>> SHIFT == bucket && weight >= floor) {
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
