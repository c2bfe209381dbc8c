package io.ballast.orchestrator.core.learner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.PerToken;
import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.objective.Aggregation;
import io.ballast.rl.objective.PolicyGradient;
import io.ballast.rl.objective.WeightedLikelihood;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.TokenIds;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is told beside a loss is of what enters it. */
class BatchLossTest {
  private static final PerTokenName REFERENCE = PerTokenName.REFERENCE_LOG_PROB;

  /** Log-ratios u of ½ and −1, and of 8 where a tool wrote. */
  private static final Sample WITH_TOOL = sample(4, 5, 6).with(REFERENCE, -1.5, -2, -9);

  private static final PerToken WITH_TOOL_SAYS = PerToken.of(-1, -3, -1);

  /** Log-ratios of 0 and 1. */
  private static final Sample HALF = sample(7, 8).with(REFERENCE, -2, -2);

  private static final PerToken HALF_SAYS = PerToken.of(-2, -1);

  /** A log-ratio of 3. */
  private static final Sample OUT = sample(9).with(REFERENCE, -4);

  private static final PerToken OUT_SAYS = PerToken.of(-1);

  private static Sample sample(int... tokens) {
    return Sample.rollout(TokenIds.of(tokens)).withAll(PerTokenName.ADVANTAGE, 1);
  }

  /** k3, e^(−u) + u − 1. */
  private static double k3(double u) {
    return Math.exp(-u) + u - 1;
  }

  @Test
  void onlyALossWithTheCriticsBesideItReadsValues() {
    Batch batch = Batch.of(new Group("a", List.of(HALF)));

    assertThat(new BatchLoss(Algorithm.PPO.recipe(12).objective(), batch).readsValues()).isTrue();
    assertThat(new BatchLoss(Algorithm.PPO.recipe(12).criticObjective(), batch).readsValues())
        .isTrue();
    assertThat(new BatchLoss(Algorithm.GRPO.recipe(12).objective(), batch).readsValues()).isFalse();
    assertThat(new BatchLoss(new WeightedLikelihood(Aggregation.tokenMean()), batch).readsValues())
        .as("of texts beside the rewards")
        .isFalse();
  }

  private static Map<String, Double> metrics(Sample withTool, Sample half, Sample out) {
    BatchLoss loss =
        new BatchLoss(
            new PolicyGradient(Aggregation.tokenMean()),
            Batch.of(new Group("a", List.of(withTool, half)), new Group("b", List.of(out))));
    var unusedFirst =
        loss.gradients(
            0,
            new GroupScores(
                List.of(WITH_TOOL_SAYS, HALF_SAYS),
                List.of(PerToken.of(.5f, .25f, 4), PerToken.of(1, .5f))));
    var unused = loss.gradients(1, new GroupScores(List.of(OUT_SAYS), List.of(PerToken.of(7))));
    return loss.metrics();
  }

  @Test
  void withoutMasksAllTokensCount() {
    Map<String, Double> metrics = metrics(WITH_TOOL, HALF, OUT);

    assertThat(metrics.get("kl_nats"))
        .isCloseTo((k3(.5) + k3(-1) + k3(8) + k3(0) + k3(1) + k3(3)) / 3, within(1e-12));
    assertThat(metrics.get("entropy_nats"))
        .isCloseTo((.5 + .25 + 4 + 1 + .5 + 7) / 6, within(1e-12));
  }

  @Test
  void whatIsMaskedIsNeitherInTheKlNorInTheEntropy() {
    Map<String, Double> metrics =
        metrics(
            WITH_TOOL.with(PerTokenName.LOSS_MASK, 1, 1, 0),
            HALF.with(PerTokenName.LOSS_MASK, 1, .5),
            OUT.with(PerTokenName.LOSS_MASK, 0));

    // two completions of 2 and 1½ tokens; the third is no part of the loss
    assertThat(metrics.get("kl_nats"))
        .isCloseTo((k3(.5) + k3(-1) + k3(0) + .5 * k3(1)) / 2, within(1e-12));
    assertThat(metrics.get("entropy_nats"))
        .isCloseTo((.5 + .25 + 1 + .5 * .5) / 3.5, within(1e-12));
  }
}
