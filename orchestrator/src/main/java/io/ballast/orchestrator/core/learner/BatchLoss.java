package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.PerToken;
import io.ballast.rl.objective.MeanOver;
import io.ballast.rl.objective.Objective;
import io.ballast.rl.objective.ObjectiveResult;
import io.ballast.rl.objective.WeightedSum;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * An objective over a batch, computed group by group: each group alone, weighed with its share of
 * what the term is the mean over. No group needs another's scores, and the model is run once.
 */
public final class BatchLoss implements GroupLoss {
  private final List<Group> groups;
  private final List<WeightedSum.Term> terms;
  private final double[] totals;
  private final double tokens;
  private final double completions;
  private final Map<String, Double> metrics = new TreeMap<>();
  private double value;

  /**
   * @param objective the loss
   * @param batch all that it reads, but for what the weights in training say; without
   *     log-probabilities of the behaviour policy they are the weights' own, and the ratio is 1
   */
  public BatchLoss(Objective objective, Batch batch) {
    this.terms = objective.terms();
    this.groups = batch.groups();
    this.totals =
        terms.stream()
            .mapToDouble(term -> groups.stream().mapToDouble(term.objective()::countIn).sum())
            .toArray();
    this.tokens = countIn(MeanOver.TOKENS);
    this.completions = countIn(MeanOver.COMPLETIONS);
  }

  private double countIn(MeanOver what) {
    return groups.stream().mapToDouble(what::countIn).sum();
  }

  @Override
  public GroupGradients gradients(int index, GroupScores current) {
    Group group = filled(groups.get(index), current);
    double[][] byLogProbs = zeros(group);
    double[][] byEntropies = zeros(group);
    double[][] byValues = zeros(group);
    boolean entropy = false;
    boolean valued = false;
    for (int i = 0; i < terms.size(); i++) {
      Objective objective = terms.get(i).objective();
      entropy |= objective.requires().contains(PerTokenName.ENTROPY);
      valued |= objective.requires().contains(PerTokenName.VALUE);
      double count = objective.countIn(group);
      if (count == 0) {
        continue;
      }
      double share = count / totals[i];
      double weight = terms.get(i).weight() * share;
      ObjectiveResult result = objective.evaluate(Batch.of(group));
      value += weight * result.value();
      result
          .metrics()
          .forEach(
              (name, number) -> addMetric(name.name().toLowerCase(Locale.ROOT), share * number));
      for (int g = 0; g < group.size(); g++) {
        add(byLogProbs[g], weight, result.gradients().get(g).logProbs());
        add(byEntropies[g], weight, result.gradients().get(g).of(PerTokenName.ENTROPY));
        add(byValues[g], weight, result.gradients().get(g).of(PerTokenName.VALUE));
      }
    }
    watch(group);
    return new GroupGradients(
        perToken(byLogProbs),
        entropy ? perToken(byEntropies) : List.of(),
        valued ? perToken(byValues) : List.of());
  }

  @Override
  public boolean readsValues() {
    return terms.stream()
        .anyMatch(term -> term.objective().requires().contains(PerTokenName.VALUE));
  }

  private static Group filled(Group group, GroupScores current) {
    List<Sample> samples = new ArrayList<>();
    for (int g = 0; g < group.size(); g++) {
      Sample sample = group.samples().get(g);
      double[] logProbs = doubles(current.logProbs().get(g));
      Sample filled =
          sample
              .with(PerTokenName.CURRENT_LOG_PROB, logProbs)
              .with(PerTokenName.ENTROPY, doubles(current.entropies().get(g)));
      if (!current.values().isEmpty()) {
        filled = filled.with(PerTokenName.VALUE, doubles(current.values().get(g)));
      }
      samples.add(
          sample.perToken().has(PerTokenName.BEHAVIOUR_LOG_PROB)
              ? filled
              : filled.with(PerTokenName.BEHAVIOUR_LOG_PROB, logProbs));
    }
    return new Group(group.groupId(), samples);
  }

  /**
   * Adds what is worth seeing whatever the objective is, of what enters the loss: KL a completion,
   * entropy a token.
   */
  private void watch(Group group) {
    for (Sample sample : group.samples()) {
      if (sample.maskedTokens() == 0) {
        continue;
      }
      addMetric("entropy_nats", sample.maskedSum(PerTokenName.ENTROPY) / tokens);
      if (sample.perToken().has(PerTokenName.REFERENCE_LOG_PROB)) {
        addMetric(
            "kl_nats",
            CompletionKl.maskedNats(sample, PerTokenName.CURRENT_LOG_PROB) / completions);
      }
    }
  }

  @Override
  public double value() {
    return value;
  }

  @Override
  public Map<String, Double> metrics() {
    return Map.copyOf(metrics);
  }

  private void addMetric(String name, double number) {
    metrics.merge(name, number, Double::sum);
  }

  private static double[][] zeros(Group group) {
    double[][] zeros = new double[group.size()][];
    for (int g = 0; g < zeros.length; g++) {
      zeros[g] = new double[group.samples().get(g).size()];
    }
    return zeros;
  }

  private static void add(double[] target, double weight, Numbers numbers) {
    for (int t = 0; t < target.length; t++) {
      target[t] += weight * numbers.get(t);
    }
  }

  /** The numbers of the tokens of one completion, as the library reads them. */
  public static double[] doubles(PerToken values) {
    double[] doubles = new double[values.size()];
    for (int t = 0; t < doubles.length; t++) {
      doubles[t] = values.get(t);
    }
    return doubles;
  }

  /**
   * Derivatives as the model takes them.
   *
   * @throws ArithmeticException if one is beyond 32 bits
   */
  static List<PerToken> perToken(double[][] values) {
    List<PerToken> all = new ArrayList<>();
    for (double[] ofCompletion : values) {
      float[] floats = new float[ofCompletion.length];
      for (int t = 0; t < floats.length; t++) {
        floats[t] = (float) ofCompletion[t];
        if (!Float.isFinite(floats[t])) {
          throw new ArithmeticException(
              "the gradient at token %d of completion %d is %s, not finite in 32 bits"
                  .formatted(t, all.size(), ofCompletion[t]));
        }
      }
      all.add(PerToken.of(floats));
    }
    return all;
  }
}
