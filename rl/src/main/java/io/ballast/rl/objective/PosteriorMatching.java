package io.ballast.rl.objective;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * BRAIn: matches the policy to the posterior p_ref(y|x)·exp(r/β) on samples of a proposal.
 *
 * <pre>
 * âᵢ ∝ p_ref(yᵢ)·exp(rᵢ/β)/μ(yᵢ),  b̂ᵢ ∝ π(yᵢ)/μ(yᵢ),  both summing to 1 in a group
 * L = mean over groups of KL(â ‖ b̂);  ∂L/∂log π(yᵢ) = −(âᵢ − b̂ᵢ)
 * </pre>
 *
 * <p>Source: Pandey et al. 2024 (BRAIn), arXiv:2402.02479. The subtracted b̂ is a self-normalised
 * baseline. Weights are formed in log space. A group of one has â = b̂ = 1: no signal. A completion
 * that is masked throughout takes no part.
 *
 * @param beta β &gt; 0, in the reward's unit
 */
public record PosteriorMatching(double beta) implements Objective {
  /** Checks the range above. */
  public PosteriorMatching {
    Require.positive(beta, "beta");
  }

  @Override
  public Set<PerTokenName> requires() {
    return Set.of(
        PerTokenName.CURRENT_LOG_PROB,
        PerTokenName.BEHAVIOUR_LOG_PROB,
        PerTokenName.REFERENCE_LOG_PROB);
  }

  @Override
  public MeanOver meanOver() {
    return MeanOver.GROUPS;
  }

  @Override
  public ObjectiveResult evaluate(Batch batch) {
    ObjectiveResult.Builder result = ObjectiveResult.builder(batch);
    double groups = batch.groups().stream().mapToDouble(this::countIn).sum();
    if (groups == 0) {
      throw new IllegalArgumentException("LOSS_MASK: 0 for every token (expected: at least one)");
    }
    int offset = 0;
    for (Group group : batch.groups()) {
      List<Sample> samples = group.samples();
      int[] unmasked =
          IntStream.range(0, samples.size())
              .filter(i -> samples.get(i).maskedTokens() > 0)
              .toArray();
      match(result, samples, unmasked, offset, 1 / groups);
      offset += group.size();
    }
    return result.build();
  }

  /** Adds the loss of the completions at {@code unmasked}, maybe none, of one group. */
  private void match(
      ObjectiveResult.Builder result,
      List<Sample> samples,
      int[] unmasked,
      int offset,
      double weight) {
    double[] target = new double[unmasked.length];
    double[] model = new double[unmasked.length];
    for (int k = 0; k < unmasked.length; k++) {
      Sample sample = samples.get(unmasked[k]);
      double proposal = sample.maskedSum(PerTokenName.BEHAVIOUR_LOG_PROB);
      target[k] =
          sample.maskedSum(PerTokenName.REFERENCE_LOG_PROB)
              + sample.number(PerSequenceName.REWARD) / beta
              - proposal;
      model[k] = sample.maskedSum(PerTokenName.CURRENT_LOG_PROB) - proposal;
    }
    double targetNorm = logSumExp(target);
    double modelNorm = logSumExp(model);
    for (int k = 0; k < unmasked.length; k++) {
      double logA = target[k] - targetNorm;
      double logB = model[k] - modelNorm;
      result.addValue(weight * Math.exp(logA) * (logA - logB));
      double slope = -weight * (Math.exp(logA) - Math.exp(logB));
      Sample sample = samples.get(unmasked[k]);
      for (int t = 0; t < sample.size(); t++) {
        result.addGradient(
            offset + unmasked[k], PerTokenName.CURRENT_LOG_PROB, t, slope * sample.lossMask(t));
      }
    }
  }

  private static double logSumExp(double[] logs) {
    double max = Arrays.stream(logs).max().orElse(0);
    return max + Math.log(Arrays.stream(logs).map(x -> Math.exp(x - max)).sum());
  }
}
