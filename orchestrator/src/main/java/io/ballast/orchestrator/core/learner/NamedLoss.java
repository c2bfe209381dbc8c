package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.PerToken;
import io.ballast.rl.objective.Aggregation;
import io.ballast.rl.objective.ClipRange;
import io.ballast.rl.objective.ClippedSurrogate;
import io.ballast.rl.objective.Objective;
import io.ballast.rl.objective.ObjectiveResult;
import io.ballast.rl.objective.PairwisePreference;
import io.ballast.rl.objective.PolicyGradient;
import io.ballast.rl.objective.SequenceClippedSurrogate;
import io.ballast.rl.objective.WeightedLikelihood;
import io.ballast.rl.regulariser.EntropyBonus;
import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.regulariser.KlPenalty;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.Numbers;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import io.ballast.rl.sample.TokenIds;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * A named objective over many groups, computed group by group.
 *
 * <p>Every objective here is a mean over tokens, completions or groups. So the loss of the batch is
 * the sum of the losses of its groups, each taken alone and weighed with the group's share of what
 * the mean is over; no group needs another's scores, and the model is run once.
 */
public final class NamedLoss implements GroupLoss {
  /** What a term is the mean over. */
  private enum MeanOver {
    TOKENS,
    COMPLETIONS,
    GROUPS
  }

  private record Term(Objective objective, MeanOver meanOver) {}

  private final List<TrainingGroup> groups;
  private final List<Term> terms;
  private final double tokens;
  private final double completions;
  private final Map<String, Double> metrics = new TreeMap<>();
  private double value;

  public NamedLoss(NamedObjective objective, List<TrainingGroup> groups) {
    this.groups = groups;
    this.terms = termsOf(objective);
    this.tokens = groups.stream().mapToInt(TrainingGroup::tokensCount).sum();
    this.completions = groups.stream().mapToInt(TrainingGroup::size).sum();
  }

  private static List<Term> termsOf(NamedObjective o) {
    Aggregation aggregation = new Aggregation(o.aggregation(), 1);
    MeanOver mean =
        switch (o.aggregation()) {
          case TOKEN_MEAN -> MeanOver.TOKENS;
          case SEQUENCE_MEAN_TOKEN_MEAN, SEQUENCE_MEAN_TOKEN_SUM, CONSTANT_DIVISOR ->
              MeanOver.COMPLETIONS;
        };
    ClipRange clip = ClipRange.of(o.clipLow(), o.clipHigh());
    List<Term> terms = new ArrayList<>();
    terms.add(
        switch (o.kind()) {
          case POLICY_GRADIENT -> new Term(new PolicyGradient(aggregation), mean);
          case PPO_CLIP -> new Term(new ClippedSurrogate(clip, aggregation), mean);
          case GSPO -> new Term(new SequenceClippedSurrogate(clip), MeanOver.COMPLETIONS);
          case DPO -> new Term(PairwisePreference.dpo(o.beta()), MeanOver.GROUPS);
          case CROSS_ENTROPY -> new Term(new WeightedLikelihood(aggregation), mean);
        });
    if (o.klCoefficient() > 0) {
      terms.add(new Term(new KlPenalty(o.klCoefficient(), o.klEstimator(), aggregation), mean));
    }
    if (o.entropyCoefficient() > 0) {
      terms.add(new Term(new EntropyBonus(o.entropyCoefficient(), aggregation), mean));
    }
    return terms;
  }

  @Override
  public GroupGradients gradients(int index, GroupScores current) {
    TrainingGroup group = groups.get(index);
    Batch batch = Batch.of(filled(group, current));
    double[][] byLogProbs = zeros(group);
    double[][] byEntropies = zeros(group);
    boolean entropy = false;
    for (Term term : terms) {
      double share = share(term.meanOver(), group);
      ObjectiveResult result = term.objective().evaluate(batch);
      value += share * result.value();
      result
          .metrics()
          .forEach(
              (name, number) -> addMetric(name.name().toLowerCase(Locale.ROOT), share * number));
      for (int g = 0; g < group.size(); g++) {
        add(byLogProbs[g], share, result.gradients().get(g).logProbs());
        add(byEntropies[g], share, result.gradients().get(g).of(PerTokenName.ENTROPY));
      }
      entropy |= term.objective().requires().contains(PerTokenName.ENTROPY);
    }
    watch(group, current);
    return new GroupGradients(perToken(byLogProbs), entropy ? perToken(byEntropies) : List.of());
  }

  private double share(MeanOver meanOver, TrainingGroup group) {
    return switch (meanOver) {
      case TOKENS -> group.tokensCount() / tokens;
      case COMPLETIONS -> group.size() / completions;
      case GROUPS -> 1.0 / groups.size();
    };
  }

  private static Group filled(TrainingGroup group, GroupScores current) {
    List<Sample> samples = new ArrayList<>();
    for (int g = 0; g < group.size(); g++) {
      TrainingCompletion completion = group.completions().get(g);
      double[] logProbs = doubles(current.logProbs().get(g));
      Sample sample =
          Sample.rollout(TokenIds.of(completion.tokens().toArray()))
              .with(completion.preferred() ? SampleRole.CHOSEN : SampleRole.REJECTED)
              .with(PerTokenName.CURRENT_LOG_PROB, logProbs)
              .with(PerTokenName.ENTROPY, doubles(current.entropies().get(g)))
              .with(
                  PerTokenName.BEHAVIOUR_LOG_PROB,
                  completion.behaviourLogProbs().size() == 0
                      ? logProbs
                      : completion.behaviourLogProbs().toArray());
      if (completion.referenceLogProbs().size() > 0) {
        sample =
            sample.with(PerTokenName.REFERENCE_LOG_PROB, completion.referenceLogProbs().toArray());
      }
      if (completion.advantages().size() > 0) {
        sample = sample.with(PerTokenName.ADVANTAGE, completion.advantageOfEachToken().toArray());
      }
      samples.add(sample);
    }
    return new Group("", samples);
  }

  /** Adds what is worth seeing whatever the objective is: KL a completion, entropy a token. */
  private void watch(TrainingGroup group, GroupScores current) {
    for (int g = 0; g < group.size(); g++) {
      TrainingCompletion completion = group.completions().get(g);
      PerToken logProbs = current.logProbs().get(g);
      addMetric("entropy_nats", current.entropies().get(g).sum() / tokens);
      for (int t = 0; completion.referenceLogProbs().size() > 0 && t < completion.size(); t++) {
        double u = logProbs.get(t) - completion.referenceLogProbs().get(t);
        addMetric("kl_nats", KlEstimator.K3.estimate(u) / completions);
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

  private static double[][] zeros(TrainingGroup group) {
    double[][] zeros = new double[group.size()][];
    for (int g = 0; g < zeros.length; g++) {
      zeros[g] = new double[group.completions().get(g).size()];
    }
    return zeros;
  }

  private static void add(double[] target, double weight, Numbers numbers) {
    for (int t = 0; t < target.length; t++) {
      target[t] += weight * numbers.get(t);
    }
  }

  static double[] doubles(PerToken values) {
    double[] doubles = new double[values.size()];
    for (int t = 0; t < doubles.length; t++) {
      doubles[t] = values.get(t);
    }
    return doubles;
  }

  static List<PerToken> perToken(double[][] values) {
    List<PerToken> all = new ArrayList<>();
    for (double[] ofCompletion : values) {
      float[] floats = new float[ofCompletion.length];
      for (int t = 0; t < floats.length; t++) {
        floats[t] = (float) ofCompletion[t];
      }
      all.add(PerToken.of(floats));
    }
    return all;
  }
}
