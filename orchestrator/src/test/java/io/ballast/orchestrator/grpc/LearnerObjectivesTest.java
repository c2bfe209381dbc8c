package io.ballast.orchestrator.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.ForwardBackwardResult;
import io.ballast.learner.v1.KlEstimator;
import io.ballast.learner.v1.LossAggregation;
import io.ballast.learner.v1.NamedObjective;
import io.ballast.learner.v1.ObjectiveKind;
import io.ballast.learner.v1.OperationState;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.orchestrator.core.learner.LossRequest;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a session's numbers are: named objectives of sampled completions against their formulas. */
class LearnerObjectivesTest extends LearnerObjectiveCase {
  @Test
  void crossEntropyIsTheMeanOfMinusLogProbabilityByEachAggregation() {
    ForwardBackwardResult result = train(ObjectiveKind.OBJECTIVE_KIND_CROSS_ENTROPY, GROUPS);
    double a = sum(result, 0, 0);
    double b = sum(result, 0, 1);
    double c = sum(result, 1, 0);

    assertThat(result.getLoss()).isCloseTo(-(a / 4 + b / 2 + c / 3) / 3, within(TOLERANCE));
    assertThat(crossEntropy(LossAggregation.LOSS_AGGREGATION_TOKEN_MEAN))
        .isCloseTo(-(a + b + c) / 9, within(TOLERANCE));
    assertThat(crossEntropy(LossAggregation.LOSS_AGGREGATION_SEQUENCE_MEAN_TOKEN_SUM))
        .isCloseTo(-(a + b + c) / 3, within(TOLERANCE));
    assertThat(crossEntropy(LossAggregation.LOSS_AGGREGATION_GROUP_MEAN_TOKEN_MEAN))
        .isCloseTo(-((a + b) / 6 + c / 3) / 2, within(TOLERANCE));
  }

  private double crossEntropy(LossAggregation aggregation) {
    return learner
        .train(
            session,
            objective(ObjectiveKind.OBJECTIVE_KIND_CROSS_ENTROPY)
                .setAggregation(aggregation)
                .build(),
            GROUPS)
        .getLoss();
  }

  @Test
  void onPolicyTheClippedSurrogatesAreMinusTheMeanAdvantage() {
    double minusMean = -(1 - 2 + 0.5) / 3;
    assertThat(train(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP, GROUPS).getLoss())
        .isCloseTo(minusMean, within(TOLERANCE));
    assertThat(train(ObjectiveKind.OBJECTIVE_KIND_GSPO, GROUPS).getLoss())
        .isCloseTo(minusMean, within(TOLERANCE));
  }

  @Test
  void theBehavioursLogProbabilitiesMakeTheRatio() {
    List<Float> current = scores(List.of(GROUPS.get(1))).getFirst();
    TrainingGroup.Builder group = GROUPS.get(1).toBuilder();
    for (float logProb : current) {
      // π/μ = 2, beyond 1 + ε = 1.2, so the loss is −1.2·Â and the gradient is stopped
      group.getCompletionsBuilder(0).addBehaviourLogProbs(logProb - (float) Math.log(2));
    }
    ForwardBackwardResult result =
        train(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP, List.of(group.build()));
    assertThat(result.getLoss()).isCloseTo(-1.2 * 0.5, within(TOLERANCE));
    assertThat(result.getMetricsMap())
        .hasEntrySatisfying("mean_ratio", r -> assertThat(r).isCloseTo(2, within(1e-4)))
        .containsEntry("clip_fraction", 1.0);
    assertThat(result.getGroups(0).getCompletions(0).getLogProbsList()).isEqualTo(current);
  }

  @Test
  void everyKindOfTheLibraryHasItsName() {
    List<String> served =
        Arrays.stream(ObjectiveKind.values())
            .filter(kind -> kind != ObjectiveKind.UNRECOGNIZED && kind.getNumber() > 0)
            .map(LearnerObjectivesTest::mapped)
            .toList();
    assertThat(served)
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(io.ballast.rl.algorithm.ObjectiveKind.values()).map(Enum::name).toList());
  }

  private static String mapped(ObjectiveKind kind) {
    LossRequest loss =
        LearnerMapper.loss(
            ForwardBackwardRequest.newBuilder().setObjective(objective(kind)).build());
    String name = ((LossRequest.Named) loss).spec().kind().name();
    assertThat(kind.name()).isEqualTo("OBJECTIVE_KIND_" + name);
    return name;
  }

  @Test
  void cispoWeighsLogProbabilitiesWithTheRatio() {
    ForwardBackwardResult result = train(ObjectiveKind.OBJECTIVE_KIND_CISPO, GROUPS);
    double a = sum(result, 0, 0) / 4;
    double b = sum(result, 0, 1) / 2;
    double c = sum(result, 1, 0) / 3;
    // the ratio is 1
    assertThat(result.getLoss()).isCloseTo(-(a - 2 * b + 0.5 * c) / 3, within(TOLERANCE));
  }

  @Test
  void aConstantDivisorLeavesLengthsOut() {
    NamedObjective byConstant =
        objective(ObjectiveKind.OBJECTIVE_KIND_CROSS_ENTROPY)
            .setAggregation(LossAggregation.LOSS_AGGREGATION_CONSTANT_DIVISOR)
            .setDivisorTokens(8)
            .build();
    ForwardBackwardResult result = learner.train(session, byConstant, GROUPS);
    double all = sum(result, 0, 0) + sum(result, 0, 1) + sum(result, 1, 0);
    assertThat(result.getLoss()).isCloseTo(-all / (3 * 8), within(TOLERANCE));
    refused(
        byConstant.toBuilder().clearDivisorTokens().build(),
        "objective.divisor_tokens: absent (expected: ≥ 1 with CONSTANT_DIVISOR)");
    refused(
        byConstant.toBuilder().setDivisorTokens(0).build(),
        "objective.divisor_tokens: 0 (expected: ≥ 1 with CONSTANT_DIVISOR)");
    refused(
        byConstant.toBuilder().clearAggregation().build(),
        "objective.divisor_tokens: beside SEQUENCE_MEAN_TOKEN_MEAN (expected: absent)");
  }

  @Test
  void aKlThatPenalisesNothingIsRefused() {
    refused(
        objective(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP)
            .setKlCoefficient(0.1)
            .setKlEstimator(KlEstimator.KL_ESTIMATOR_K1)
            .build(),
        "objective.kl_estimator: K1 (expected: one of K3, K2)");
  }

  @Test
  void whatTheSamplerSaidWeighsUpToTheCap() {
    TrainingGroup group = GROUPS.get(1);
    NamedObjective plain = objective(ObjectiveKind.OBJECTIVE_KIND_POLICY_GRADIENT).build();
    NamedObjective capped = plain.toBuilder().putKnobs("importance_cap", 2).build();
    double loss = learner.train(session, plain, List.of(group)).getLoss();

    assertThat(learner.train(session, capped, List.of(served(group, 1.5))).getLoss())
        .isCloseTo(1.5 * loss, within(1e-4));
    assertThat(learner.train(session, capped, List.of(served(group, 4))).getLoss())
        .isCloseTo(2 * loss, within(1e-4));
    refused(
        capped,
        group,
        "groups[0].completions[0].served_log_probs: none (expected: one for each token; importance_cap weighs with them)");
    assertThat(step().getState())
        .as("gradients of before are there")
        .isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
  }

  /** Where the weights in training are {@code ratio} times as likely to say it as was served. */
  private TrainingGroup served(TrainingGroup group, double ratio) {
    TrainingGroup.Builder served = group.toBuilder();
    for (float logProb : scores(List.of(group)).getFirst()) {
      served.getCompletionsBuilder(0).addServedLogProbs(logProb - (float) Math.log(ratio));
    }
    return served.build();
  }

  @Test
  void aMaskSaysWhichTokensCount() {
    NamedObjective crossEntropy = objective(ObjectiveKind.OBJECTIVE_KIND_CROSS_ENTROPY).build();
    ForwardBackwardResult result =
        learner.train(session, crossEntropy, List.of(masked(GROUPS.get(1), 0, 0f, 1f, 0f)));
    assertThat(result.getLoss())
        .isCloseTo(-result.getGroups(0).getCompletions(0).getLogProbs(1), within(TOLERANCE));

    refused(
        crossEntropy,
        masked(GROUPS.get(1), 0, 0f, 0f, 0f),
        "groups: loss_mask is 0 for every token (expected: at least one above 0)");
    refused(
        crossEntropy,
        masked(GROUPS.get(1), 0, 0f, 1.5f, 0f),
        "groups[0].completions[0].loss_mask[1]: 1.5 (expected: 0 to 1)");
    refused(
        crossEntropy,
        masked(GROUPS.get(1), 0, 1f),
        "groups[0].completions[0].loss_mask: 1 numbers for 3 tokens");
    refused(
        objective(ObjectiveKind.OBJECTIVE_KIND_DPO).build(),
        masked(GROUPS.getFirst(), 1, 0f, 0f),
        "groups[0].completions[1].loss_mask: 0 for every token (expected: at least one above 0)");
  }

  private static TrainingGroup masked(TrainingGroup group, int completion, Float... mask) {
    TrainingGroup.Builder masked = group.toBuilder();
    masked.getCompletionsBuilder(completion).addAllLossMask(List.of(mask));
    return masked.build();
  }

  @Test
  void anEntropyBonusIsSubtracted() {
    NamedObjective plain = objective(ObjectiveKind.OBJECTIVE_KIND_POLICY_GRADIENT).build();
    NamedObjective bonus = plain.toBuilder().setEntropyCoefficient(0.5).build();
    ForwardBackwardResult without = learner.train(session, plain, List.of(GROUPS.get(1)));
    ForwardBackwardResult with = learner.train(session, bonus, List.of(GROUPS.get(1)));
    // one completion: the mean over its tokens is what the metric is
    assertThat(with.getLoss())
        .isCloseTo(
            without.getLoss() - 0.5 * with.getMetricsOrThrow("entropy_nats"), within(TOLERANCE));
  }
}
