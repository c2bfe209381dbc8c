package io.ballast.rl.objective;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Truncated importance sampling: corrects a policy gradient for a server that sampled with other
 * numbers than the learner computes.
 *
 * <pre>wₜ = min(μ(aₜ)/μ_served(aₜ), C),  Âₜ ← wₜ·Âₜ</pre>
 *
 * <p>Source: Yao et al. 2025, "Your Efficient RL Framework Secretly Brings You Off-Policy RL
 * Training"; token level, as verl's rollout correction. {@code BEHAVIOUR_LOG_PROB} is what the
 * learner itself made of the weights that sampled, {@code SERVED_LOG_PROB} what the server said as
 * it sampled. w is a constant for the gradient. Policy-gradient losses are in proportion to Â
 * wherever it keeps its sign, so weighing Â weighs their tokens: {@link PolicyGradient}, {@link
 * ClippedSurrogate}, {@link ClippedWeightGradient}, {@link SequenceClippedSurrogate}. Terms of a
 * sum that read no advantage stay as they are.
 *
 * @param cap C &gt; 0; a log-ratio beyond ±20 is taken as ±20
 * @param objective one that reads advantages
 */
public record TruncatedImportance(double cap, Objective objective) implements Objective {
  /** Checks that there is something to weigh. */
  public TruncatedImportance {
    Require.positive(cap, "cap");
    if (!objective.requires().contains(PerTokenName.ADVANTAGE)) {
      throw new IllegalArgumentException(
          "objective: requires " + objective.requires() + " (expected: ADVANTAGE among them)");
    }
  }

  @Override
  public Set<PerTokenName> requires() {
    Set<PerTokenName> names = EnumSet.copyOf(objective.requires());
    names.add(PerTokenName.BEHAVIOUR_LOG_PROB);
    names.add(PerTokenName.SERVED_LOG_PROB);
    return names;
  }

  @Override
  public MeanOver meanOver() {
    return objective.meanOver();
  }

  @Override
  public double countIn(Group group) {
    return objective.countIn(group);
  }

  @Override
  public List<WeightedSum.Term> terms() {
    return objective.terms().stream()
        .map(term -> new WeightedSum.Term(term.weight(), weighed(term.objective())))
        .toList();
  }

  private Objective weighed(Objective term) {
    return term.requires().contains(PerTokenName.ADVANTAGE)
        ? new TruncatedImportance(cap, term)
        : term;
  }

  @Override
  public ObjectiveResult evaluate(Batch batch) {
    double tokens = 0;
    double weights = 0;
    for (Sample sample : batch.samples()) {
      if (!isWeighed(sample)) {
        continue;
      }
      for (int t = 0; t < sample.size(); t++) {
        tokens += sample.lossMask(t);
        weights += sample.lossMask(t) * weight(sample, t);
      }
    }
    ObjectiveResult result = objective.evaluate(batch.map(this::weighed));
    Map<ObjectiveMetric, Double> metrics = new EnumMap<>(ObjectiveMetric.class);
    metrics.putAll(result.metrics());
    if (tokens > 0) {
      metrics.put(ObjectiveMetric.IMPORTANCE_WEIGHT, weights / tokens);
    }
    return new ObjectiveResult(result.value(), result.gradients(), metrics);
  }

  /** One without advantages is a demonstration or the like, which other terms read. */
  private static boolean isWeighed(Sample sample) {
    return sample.perToken().has(PerTokenName.ADVANTAGE) && sample.maskedTokens() > 0;
  }

  private Sample weighed(Sample sample) {
    if (!isWeighed(sample)) {
      return sample;
    }
    Numbers advantages = sample.numbers(PerTokenName.ADVANTAGE);
    double[] next = new double[sample.size()];
    for (int t = 0; t < next.length; t++) {
      next[t] = weight(sample, t) * advantages.get(t);
    }
    return sample.with(PerTokenName.ADVANTAGE, next);
  }

  private double weight(Sample sample, int token) {
    double logRatio =
        sample.numbers(PerTokenName.BEHAVIOUR_LOG_PROB).get(token)
            - sample.numbers(PerTokenName.SERVED_LOG_PROB).get(token);
    return Math.min(ClipRange.ratio(logRatio), cap);
  }
}
