package io.ballast.rl.objective;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * A loss with its gradient. All numbers are finite.
 *
 * @param value the loss, lower is better
 * @param gradients one for each completion, in the order of {@code Batch.samples()}
 * @param metrics what else there is to see
 */
public record ObjectiveResult(
    double value, List<SampleGradient> gradients, Map<ObjectiveMetric, Double> metrics) {
  /** Copies list and map. */
  public ObjectiveResult {
    gradients = List.copyOf(gradients);
    EnumMap<ObjectiveMetric, Double> copy = new EnumMap<>(ObjectiveMetric.class);
    copy.putAll(metrics);
    metrics = Collections.unmodifiableMap(copy);
  }

  /** A builder for the completions of {@code batch}, with value and gradients at 0. */
  public static Builder builder(Batch batch) {
    return new Builder(batch.samples());
  }

  /** Adds up terms of value and gradient. Used by one thread, built once. */
  public static final class Builder {
    private final List<Sample> samples;
    private final List<Map<PerTokenName, double[]>> gradients = new ArrayList<>();
    private final EnumMap<ObjectiveMetric, Double> metrics = new EnumMap<>(ObjectiveMetric.class);
    private double value;

    private Builder(List<Sample> samples) {
      this.samples = samples;
      samples.forEach(sample -> gradients.add(new EnumMap<>(PerTokenName.class)));
    }

    /** Adds {@code term} to the loss. */
    public Builder addValue(double term) {
      value += term;
      return this;
    }

    /** Adds {@code term} to the derivative by number {@code name} of token {@code token}. */
    public Builder addGradient(int sample, PerTokenName name, int token, double term) {
      if (!name.differentiable()) {
        throw new IllegalArgumentException(name + ": is a constant (expected: differentiable)");
      }
      gradients.get(sample)
              .computeIfAbsent(name, _ -> new double[samples.get(sample).size()])[token] +=
          term;
      return this;
    }

    /** Sets a metric. */
    public Builder metric(ObjectiveMetric metric, double number) {
      metrics.put(metric, number);
      return this;
    }

    /**
     * Returns the sums.
     *
     * @throws ArithmeticException if one is not finite: the batch's numbers were too large
     */
    public ObjectiveResult build() {
      if (!Double.isFinite(value)) {
        throw new ArithmeticException("the objective's value is " + value);
      }
      List<SampleGradient> built = new ArrayList<>();
      for (int i = 0; i < samples.size(); i++) {
        EnumMap<PerTokenName, Numbers> byName = new EnumMap<>(PerTokenName.class);
        for (var entry : gradients.get(i).entrySet()) {
          byName.put(entry.getKey(), finiteGradient(i, entry.getKey(), entry.getValue()));
        }
        built.add(new SampleGradient(samples.get(i).size(), byName));
      }
      return new ObjectiveResult(value, built, metrics);
    }

    private static Numbers finiteGradient(int sample, PerTokenName name, double[] gradient) {
      for (int t = 0; t < gradient.length; t++) {
        if (!Double.isFinite(gradient[t])) {
          throw new ArithmeticException(
              "the gradient of sample " + sample + " by " + name + "[" + t + "] is " + gradient[t]);
        }
      }
      return Numbers.of(gradient);
    }
  }
}
