package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.PerToken;
import io.ballast.rl.sample.Numbers;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Σ gᵗ·logpᵗ + Σ vᵗ·Hᵗ with the caller's own g and v: any algorithm, over the wire. */
final class CallerLoss implements GroupLoss {
  private final List<TrainingGroup> groups;
  private final double tokens;
  private final Map<String, Double> metrics = new TreeMap<>();
  private double value;

  CallerLoss(List<TrainingGroup> groups) {
    this.groups = groups;
    this.tokens = groups.stream().mapToInt(TrainingGroup::tokensCount).sum();
  }

  @Override
  public GroupGradients gradients(int index, GroupScores current) {
    TrainingGroup group = groups.get(index);
    double[][] byLogProbs = new double[group.size()][];
    double[][] byEntropies = new double[group.size()][];
    boolean entropy = false;
    for (int g = 0; g < group.size(); g++) {
      TrainingCompletion completion = group.completions().get(g);
      PerToken entropies = current.entropies().get(g);
      byLogProbs[g] = completion.logProbGradients().toArray();
      byEntropies[g] = new double[completion.size()];
      value += dot(completion.logProbGradients(), current.logProbs().get(g));
      if (completion.entropyGradients().size() > 0) {
        entropy = true;
        byEntropies[g] = completion.entropyGradients().toArray();
        value += dot(completion.entropyGradients(), entropies);
      }
      metrics.merge("entropy_nats", entropies.sum() / tokens, Double::sum);
    }
    return new GroupGradients(
        BatchLoss.perToken(byLogProbs), entropy ? BatchLoss.perToken(byEntropies) : List.of());
  }

  private static double dot(Numbers gradients, PerToken values) {
    double sum = 0;
    for (int t = 0; t < values.size(); t++) {
      sum += gradients.get(t) * values.get(t);
    }
    return sum;
  }

  @Override
  public double value() {
    return value;
  }

  @Override
  public Map<String, Double> metrics() {
    return Map.copyOf(metrics);
  }
}
