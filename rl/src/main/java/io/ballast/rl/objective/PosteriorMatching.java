package io.ballast.rl.objective;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.Arrays;
import java.util.Set;

/**
 * BRAIn: matches the policy to the posterior p_ref(y|x)·exp(r/β) on samples of a proposal.
 *
 * <pre>
 * âᵢ ∝ p_ref(yᵢ)·exp(rᵢ/β)/μ(yᵢ),  b̂ᵢ ∝ π(yᵢ)/μ(yᵢ),  both summing to 1 in a group
 * L = mean over groups of KL(â ‖ b̂);  ∂L/∂log π(yᵢ) = −(âᵢ − b̂ᵢ)
 * </pre>
 *
 * <p>Source: Pandey et al. 2024 (BRAIn), arXiv:2402.02479. The subtracted b̂ is a self-normalised
 * baseline. Weights are formed in log space. A group of one has â = b̂ = 1: no signal.
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
  public ObjectiveResult evaluate(Batch batch) {
    ObjectiveResult.Builder result = ObjectiveResult.builder(batch);
    double groups = batch.groups().size();
    int offset = 0;
    for (Group group : batch.groups()) {
      double[] target = new double[group.size()];
      double[] model = new double[group.size()];
      for (int i = 0; i < group.size(); i++) {
        Sample sample = group.samples().get(i);
        double proposal = sample.maskedSum(PerTokenName.BEHAVIOUR_LOG_PROB);
        target[i] =
            sample.maskedSum(PerTokenName.REFERENCE_LOG_PROB)
                + sample.number(PerSequenceName.REWARD) / beta
                - proposal;
        model[i] = sample.maskedSum(PerTokenName.CURRENT_LOG_PROB) - proposal;
      }
      double targetNorm = logSumExp(target);
      double modelNorm = logSumExp(model);
      for (int i = 0; i < group.size(); i++) {
        double logA = target[i] - targetNorm;
        double logB = model[i] - modelNorm;
        result.addValue(Math.exp(logA) * (logA - logB) / groups);
        double slope = -(Math.exp(logA) - Math.exp(logB)) / groups;
        Sample sample = group.samples().get(i);
        for (int t = 0; t < sample.size(); t++) {
          result.addGradient(
              offset + i, PerTokenName.CURRENT_LOG_PROB, t, slope * sample.lossMask(t));
        }
      }
      offset += group.size();
    }
    return result.build();
  }

  private static double logSumExp(double[] logs) {
    double max = Arrays.stream(logs).max().orElseThrow();
    return max + Math.log(Arrays.stream(logs).map(x -> Math.exp(x - max)).sum());
  }
}
