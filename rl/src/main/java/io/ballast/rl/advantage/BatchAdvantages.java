package io.ballast.rl.advantage;

import io.ballast.rl.check.Require;
import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerSequenceName;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Rewards and advantages of the tokens of a whole batch, for estimators that compare a completion
 * with more than its group. Each step returns a new batch, so that steps compose:
 *
 * <pre>
 * REINFORCE               returns(withTokenRewards(batch, k, β), γ)
 * ReMax                   lessBaseline(returns(…, 1)), BASELINE the greedy completion's reward
 * REINFORCE++             whitened(returns(withTokenRewards(batch, K1, β), γ), ε)
 * REINFORCE++-baseline    whitened(groups with GroupAdvantages.centred, ε)
 * </pre>
 */
public final class BatchAdvantages {
  private BatchAdvantages() {}

  /**
   * Returns the batch with a {@code REWARD} for each token: the price of the distance from the
   * reference at every unmasked token, and the completion's reward at the last of them.
   *
   * <pre>rₜ = −β·k(log μ(aₜ) − log π_ref(aₜ)) + 1[t last unmasked]·r</pre>
   *
   * <p>Source: {@link TokenRewards#withKlPenalty(KlEstimator, double[], double[], double, double)}.
   * Masked tokens, which nobody chose, earn 0 and pay nothing.
   *
   * @param batch completions with {@code REWARD}, and with {@code BEHAVIOUR_LOG_PROB} and {@code
   *     REFERENCE_LOG_PROB} unless β is 0
   * @param klCoefficient β ≥ 0
   */
  public static Batch withTokenRewards(Batch batch, KlEstimator estimator, double klCoefficient) {
    Require.notNegative(klCoefficient, "klCoefficient");
    return batch.map(
        sample -> sample.with(PerTokenName.REWARD, tokenRewards(sample, estimator, klCoefficient)));
  }

  private static double[] tokenRewards(Sample sample, KlEstimator estimator, double klCoefficient) {
    double[] rewards = new double[sample.size()];
    int last = -1;
    for (int t = 0; t < rewards.length; t++) {
      if (sample.lossMask(t) > 0) {
        last = t;
        if (klCoefficient > 0) {
          double u =
              sample.numbers(PerTokenName.BEHAVIOUR_LOG_PROB).get(t)
                  - sample.numbers(PerTokenName.REFERENCE_LOG_PROB).get(t);
          rewards[t] -= klCoefficient * estimator.estimate(u);
        }
      }
    }
    double reward = sample.number(PerSequenceName.REWARD);
    if (last >= 0) {
      rewards[last] += reward;
    }
    return rewards;
  }

  /**
   * Returns the batch with the discounted rewards to go as {@code ADVANTAGE}.
   *
   * <pre>Âₜ = Σ_{k ≥ t} γ^{k−t} rₖ</pre>
   *
   * <p>Source: Williams 1992 (REINFORCE). Every token is a step, a masked one too.
   *
   * @param batch completions with a {@code REWARD} for each token
   * @param discount γ, 0 to 1
   */
  public static Batch returns(Batch batch, double discount) {
    return batch.map(
        sample ->
            sample.with(
                PerTokenName.ADVANTAGE,
                TokenAdvantages.rewardsToGo(
                    sample.numbers(PerTokenName.REWARD).toArray(), discount)));
  }

  /**
   * Returns the batch with each completion's {@code BASELINE} taken off its {@code ADVANTAGE}.
   *
   * <p>Source: ReMax, Li et al. 2023, arXiv:2310.10505, where the baseline is the reward of the
   * prompt's greedy completion; any number that does not depend on the completion leaves the
   * gradient unbiased.
   */
  public static Batch lessBaseline(Batch batch) {
    return batch.map(
        sample ->
            sample.with(
                PerTokenName.ADVANTAGE,
                GroupAdvantages.againstBaseline(
                    sample.numbers(PerTokenName.ADVANTAGE).toArray(),
                    sample.number(PerSequenceName.BASELINE))));
  }

  /**
   * Returns the batch with each {@code ADVANTAGE} whitened by mean and deviation of all unmasked
   * tokens of the batch.
   *
   * <p>Source: Hu et al. 2025 (REINFORCE++), arXiv:2501.03262; {@link Whitening#masked}. Equal
   * advantages carry no signal and become exact zeros, and so do those of masked tokens.
   *
   * @param epsilon added to the variance, &gt; 0
   */
  public static Batch whitened(Batch batch, double epsilon) {
    List<Double> values = new ArrayList<>();
    List<Double> masks = new ArrayList<>();
    for (Sample sample : batch.samples()) {
      for (int t = 0; t < sample.size(); t++) {
        values.add(sample.numbers(PerTokenName.ADVANTAGE).get(t));
        masks.add(sample.lossMask(t));
      }
    }
    double[] whitened = Whitening.masked(array(values), array(masks), epsilon);
    List<Group> groups = new ArrayList<>();
    int offset = 0;
    for (Group group : batch.groups()) {
      List<Sample> samples = new ArrayList<>();
      for (Sample sample : group.samples()) {
        double[] own = Arrays.copyOfRange(whitened, offset, offset + sample.size());
        samples.add(sample.with(PerTokenName.ADVANTAGE, own));
        offset += sample.size();
      }
      groups.add(new Group(group.groupId(), samples));
    }
    return new Batch(groups);
  }

  /**
   * Returns the batch with the advantages of REINFORCE++: distance from the reference paid in the
   * token's reward, rewards to go, whitened over the batch. No critic and no group.
   *
   * <p>Source: Hu et al. 2025, arXiv:2501.03262; k1 in the paper, k2 as OpenRLHF offers it.
   *
   * @param batch as {@link #withTokenRewards} wants it
   * @param klCoefficient β ≥ 0
   * @param discount γ, 0 to 1; 1 in the paper
   * @param epsilon added to the variance, &gt; 0
   */
  public static Batch reinforcePlusPlus(
      Batch batch, KlEstimator estimator, double klCoefficient, double discount, double epsilon) {
    return whitened(returns(withTokenRewards(batch, estimator, klCoefficient), discount), epsilon);
  }

  private static double[] array(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
