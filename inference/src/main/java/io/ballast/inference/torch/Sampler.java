package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.SamplingOptions;
import java.util.random.RandomGenerator;

/**
 * Draws a token from a row of weights. A draw takes one random number, which walks the tokens that
 * truncation leaves in the order of their ids; greedy takes none. Plain Java; keeps scratch memory,
 * so one for each thread.
 */
final class Sampler {
  private final Truncation truncation = new Truncation();
  private int[] kept = new int[0];

  /**
   * A draw.
   *
   * @param tokenId what was drawn
   * @param logProb its log-probability under the distribution that was drawn from; 0 when greedy
   */
  record Draw(int tokenId, float logProb) {}

  /**
   * Draws one of the {@code count} tokens whose weights begin at {@code from}.
   *
   * @param weights in proportion to the probabilities at the options' temperature (at any if
   *     greedy); ≥ 0
   * @throws ModelException NO_TOKEN_LEFT if no weight is above zero
   */
  Draw draw(float[] weights, int from, int count, SamplingOptions options, RandomGenerator random) {
    if (options.temperature() == 0) {
      return new Draw(likeliest(weights, from, count), 0);
    }
    double total = sum(weights, from, count);
    if (!(total > 0)) { // NaN too: a softmax over nothing
      throw noTokenLeft();
    }
    if (Truncation.keepsAll(options, count)) {
      return drawFromAll(weights, from, count, total, random);
    }
    Truncation.Cut cut = truncation.cut(weights, from, count, total, options);
    return drawFrom(weights, from, count, cut, random);
  }

  private static ModelException noTokenLeft() {
    return new ModelException(Reason.NO_TOKEN_LEFT, "the sampling options leave no token to draw");
  }

  private static int likeliest(float[] weights, int from, int count) {
    int best = 0;
    for (int id = 1; id < count; id++) {
      if (weights[from + id] > weights[from + best]) {
        best = id;
      }
    }
    if (!(weights[from + best] > 0)) {
      throw noTokenLeft();
    }
    return best;
  }

  private static double sum(float[] weights, int from, int count) {
    double total = 0;
    for (int i = from; i < from + count; i++) {
      total += weights[i];
    }
    return total;
  }

  private static Draw drawFromAll(
      float[] weights, int from, int count, double total, RandomGenerator random) {
    double left = random.nextDouble() * total;
    int drawn = -1;
    for (int id = 0; id < count; id++) {
      float weight = weights[from + id];
      if (weight > 0) {
        drawn = id;
        left -= weight;
        if (left < 0) {
          break;
        }
      }
    }
    return new Draw(drawn, (float) Math.log(weights[from + drawn] / total));
  }

  private Draw drawFrom(
      float[] weights, int from, int count, Truncation.Cut cut, RandomGenerator random) {
    if (kept.length < count) {
      kept = new int[count];
    }
    int size = 0;
    double total = 0;
    for (int id = 0; id < count; id++) {
      float weight = weights[from + id];
      if (weight >= cut.weight() && weight > 0 && cut.keeps(weight, id)) {
        kept[size++] = id;
        total += weight;
      }
    }
    double left = random.nextDouble() * total;
    int drawn = kept[0];
    for (int i = 0; i < size; i++) {
      drawn = kept[i];
      left -= weights[from + drawn];
      if (left < 0) {
        break;
      }
    }
    return new Draw(drawn, (float) Math.log(weights[from + drawn] / total));
  }
}
