package io.ballast.orchestrator.grpc;

import static io.ballast.orchestrator.testing.LearnerCalls.tokens;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.protobuf.Duration;
import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.ForwardBackwardResult;
import io.ballast.learner.v1.ForwardRequest;
import io.ballast.learner.v1.GetOperationRequest;
import io.ballast.learner.v1.KlEstimator;
import io.ballast.learner.v1.LossAggregation;
import io.ballast.learner.v1.NamedObjective;
import io.ballast.learner.v1.ObjectiveKind;
import io.ballast.learner.v1.Operation;
import io.ballast.learner.v1.OperationState;
import io.ballast.learner.v1.OptimizerStepRequest;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.learner.v1.SampleFromSessionResponse;
import io.ballast.learner.v1.SaveWeightsRequest;
import io.ballast.learner.v1.TrainingCompletion;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.learner.v1.WaitOperationRequest;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.orchestrator.core.learner.LossRequest;
import io.ballast.orchestrator.testing.LearnerCalls;
import io.grpc.Status;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a session's numbers are: each named objective against its formula, and what is saved. */
class LearnerObjectivesTest {
  private static final double TOLERANCE = 1e-5;

  /** Two groups: completions of 4 and 2 tokens, and of 3. */
  private static final List<TrainingGroup> GROUPS =
      List.of(
          TrainingGroup.newBuilder()
              .setPromptTokens(tokens(70, 71, 72))
              .addCompletions(
                  TrainingCompletion.newBuilder()
                      .setTokens(tokens(10, 11, 12, 13))
                      .addAdvantages(1)
                      .setPreferred(true))
              .addCompletions(
                  TrainingCompletion.newBuilder().setTokens(tokens(20, 21)).addAdvantages(-2))
              .build(),
          TrainingGroup.newBuilder()
              .setPromptTokens(tokens(5))
              .addCompletions(
                  TrainingCompletion.newBuilder()
                      .setTokens(tokens(30, 31, 32))
                      .addAllAdvantages(List.of(0.5, 0.5, 0.5)))
              .build());

  @TempDir Path root = Path.of("");
  private LearnerCalls learner;
  private String session;

  @BeforeEach
  void open() {
    learner = new LearnerCalls(root);
    session = learner.open("1");
  }

  @AfterEach
  void close() {
    learner.close();
  }

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
  void dpoStartsAtTheLogarithmOfTwo() {
    ForwardBackwardResult result =
        train(ObjectiveKind.OBJECTIVE_KIND_DPO, List.of(GROUPS.getFirst()));
    assertThat(result.getLoss()).isCloseTo(Math.log(2), within(TOLERANCE));
    assertThat(result.getMetricsMap()).containsEntry("preference_margin", 0.0);
  }

  @Test
  void knobsAreSentByName() {
    TrainingGroup pair = GROUPS.getFirst();
    // policy and reference are the same: the margin is 0
    NamedObjective ipo = objective(ObjectiveKind.OBJECTIVE_KIND_IPO).putKnobs("beta", 0.25).build();
    assertThat(learner.train(session, ipo, List.of(pair)).getLoss())
        .as("(0 − 1/(2β))²")
        .isCloseTo(4, within(TOLERANCE));
    assertThat(
            learner
                .train(
                    session,
                    objective(ObjectiveKind.OBJECTIVE_KIND_RDPO).putKnobs("flip_rate", 0.3).build(),
                    List.of(pair))
                .getLoss())
        .isCloseTo(Math.log(2), within(TOLERANCE));
    refused(ipo.toBuilder().putKnobs("clip_low", 0.1).build(), "objective.clip_low: beside IPO");
    refused(ipo.toBuilder().putKnobs("bta", 0.1).build(), "objective.knobs.bta: unknown");
    refused(ipo.toBuilder().setBeta(1).build(), "objective.knobs.beta: beside objective.beta");
    refused(ipo.toBuilder().putKnobs("beta", -1).build(), "objective.beta: -1.0 (expected: > 0)");
    NamedObjective orpo = objective(ObjectiveKind.OBJECTIVE_KIND_ORPO).build();
    refused(
        orpo.toBuilder().setBeta(0.25).build(), "objective.beta: beside ORPO (expected: absent)");
    refused(
        objective(ObjectiveKind.OBJECTIVE_KIND_CISPO).setClipLow(0.1).build(),
        "objective.clip_low: beside CISPO (expected: absent)");
  }

  private void refused(NamedObjective objective, String message) {
    refused(objective, GROUPS.getFirst(), message);
  }

  private void refused(NamedObjective objective, TrainingGroup group, String message) {
    assertThatThrownBy(() -> learner.train(session, objective, List.of(group)))
        .hasMessageContaining("INVALID_ARGUMENT: " + message);
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
  void pairsWithoutAReferenceAreComparedByTheirFormulas() {
    List<TrainingGroup> pair = List.of(GROUPS.getFirst());
    ForwardBackwardResult slic = train(ObjectiveKind.OBJECTIVE_KIND_SLIC, pair);
    double chosen = sum(slic, 0, 0);
    double rejected = sum(slic, 0, 1);
    // max(0, δ − log π(y_w) + log π(y_l)) − λ·log π(y_w), δ = 1, λ = 0.1
    assertThat(slic.getLoss())
        .isCloseTo(Math.max(0, 1 - chosen + rejected) - 0.1 * chosen, within(TOLERANCE));
    // −log σ(β(mean log π(y_w) − mean log π(y_l)) − γ), β = 2.5, γ = 1.375
    assertThat(train(ObjectiveKind.OBJECTIVE_KIND_SIMPO, pair).getLoss())
        .isCloseTo(
            Math.log1p(Math.exp(1.375 - 2.5 * (chosen / 4 - rejected / 2))), within(TOLERANCE));
    // −mean log π(y_w) − λ·log σ(log-odds(y_w) − log-odds(y_l)), λ = 0.1
    double odds = logOdds(chosen / 4) - logOdds(rejected / 2);
    assertThat(train(ObjectiveKind.OBJECTIVE_KIND_ORPO, pair).getLoss())
        .isCloseTo(-chosen / 4 + 0.1 * Math.log1p(Math.exp(-odds)), within(TOLERANCE));
  }

  private static double logOdds(double logProb) {
    return logProb - Math.log1p(-Math.exp(logProb));
  }

  @Test
  void xpoReadsWhatTheReferenceWroteBesideThePair() {
    TrainingGroup group =
        GROUPS.getFirst().toBuilder()
            .addCompletions(
                TrainingCompletion.newBuilder().setTokens(tokens(30, 31)).setFromReference(true))
            .build();
    NamedObjective xpo =
        objective(ObjectiveKind.OBJECTIVE_KIND_XPO).putKnobs("optimism", 0.5).build();
    ForwardBackwardResult result = learner.train(session, xpo, List.of(group));
    // the margin is 0: −log σ(0) + α·log π(y_ref)
    assertThat(result.getLoss())
        .isCloseTo(Math.log(2) + 0.5 * sum(result, 0, 2), within(TOLERANCE));
    refused(
        xpo,
        "groups[0].completions: 2, of which 1 preferred and 0 from the reference (expected: 3, of which 1 and 1)");
    refused(
        objective(ObjectiveKind.OBJECTIVE_KIND_DPO).build(),
        group,
        "groups[0].completions[2].from_reference: beside DPO (expected: false; XPO reads it)");
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
  void ratedCompletionsAreComparedWithWhatTheirCallerEstimated() {
    TrainingGroup.Builder group = GROUPS.getFirst().toBuilder();
    NamedObjective kto = objective(ObjectiveKind.OBJECTIVE_KIND_KTO).build();
    // lr is 0 for both; without z each term is 1 − σ(0)
    assertThat(learner.train(session, kto, List.of(group.build())).getLoss())
        .isCloseTo(0.5, within(TOLERANCE));
    group.getCompletionsBuilder(0).setPreferenceBaseline(2);
    // the good one: 1 − σ(.1·(0 − 2)) = .549834
    assertThat(learner.train(session, kto, List.of(group.build())).getLoss())
        .isCloseTo((0.549834 + 0.5) / 2, within(TOLERANCE));
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

  @Test
  void finiteNumbersThatOverflowOnTheWayAreTheCallersMistake() {
    TrainingGroup.Builder group = GROUPS.get(1).toBuilder();
    group.getCompletionsBuilder(0).clearAdvantages().addAdvantages(1e300);
    Operation operation =
        learner
            .stub
            .forwardBackward(
                ForwardBackwardRequest.newBuilder()
                    .setSessionId(session)
                    .addGroups(group)
                    .setObjective(objective(ObjectiveKind.OBJECTIVE_KIND_POLICY_GRADIENT))
                    .build())
            .getOperation();
    assertThat(operation.getState()).isEqualTo(OperationState.OPERATION_STATE_FAILED);
    assertThat(operation.getErrorReason()).isEqualTo("MALFORMED_REQUEST");
    assertThat(operation.getErrorMessage()).contains("not finite in 32 bits");
    assertThat(step().getState()).isEqualTo(OperationState.OPERATION_STATE_FAILED);
  }

  @Test
  void aPublishedVersionSaysExactlyWhatTheSessionSaid() {
    train(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP, GROUPS);
    assertThat(step().getOptimizerStep().getGradientNorm()).isPositive();
    List<List<Float>> trained = scores(GROUPS);
    learner.stub.saveWeights(
        SaveWeightsRequest.newBuilder().setSessionId(session).setPublishVersion("2").build());

    session = learner.open("2");
    assertThat(scores(GROUPS)).isEqualTo(trained);
  }

  @Test
  void aCallThatDoesNotWaitGetsAnOperationToComeBackTo() {
    Operation started =
        learner
            .stub
            .forwardBackward(
                ForwardBackwardRequest.newBuilder()
                    .setSessionId(session)
                    .addAllGroups(GROUPS)
                    .setObjective(objective(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP))
                    .setWaitDuration(Duration.getDefaultInstance())
                    .build())
            .getOperation();
    Operation ended =
        learner
            .stub
            .waitOperation(
                WaitOperationRequest.newBuilder().setOperationId(started.getOperationId()).build())
            .getOperation();
    assertThat(ended.getState()).isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
    assertThat(ended.getForwardBackward().getGroupsList()).hasSize(2);
    assertThatThrownBy(
            () ->
                learner.stub.waitOperation(
                    WaitOperationRequest.newBuilder()
                        .setOperationId(started.getOperationId())
                        .setWaitDuration(Duration.newBuilder().setSeconds(Long.MAX_VALUE))
                        .build()))
        .hasMessageContaining("INVALID_ARGUMENT: wait_duration: ")
        .hasMessageContaining("(expected: 0 to 3,600 s)");
    assertThatThrownBy(
            () ->
                learner.stub.getOperation(
                    GetOperationRequest.newBuilder().setOperationId("nobody's").build()))
        .hasMessage("NOT_FOUND: there is no operation 'nobody's'");
  }

  @Test
  void aSeedThatTheServerDrewDrawsTheSameTokensAgain() {
    SampleFromSessionRequest.Builder request =
        SampleFromSessionRequest.newBuilder()
            .setSessionId(session)
            .addPrompts(TextOrTokens.newBuilder().setTokens(tokens(106, 111, 117)));
    request.getSamplingBuilder().setMaxNewTokens(6);
    SampleFromSessionResponse drawn = learner.stub.sampleFromSession(request.build());
    request.getSamplingBuilder().setSeed(drawn.getSeed());
    assertThat(learner.stub.sampleFromSession(request.build())).isEqualTo(drawn);
    assertThat(drawn.getSamples(0).getPromptTokens()).isEqualTo(tokens(106, 111, 117));
    assertThatThrownBy(
            () ->
                learner.stub.sampleFromSession(
                    request.setSampling(SamplingOptions.newBuilder().setTopP(2)).build()))
        .hasMessageStartingWith("INVALID_ARGUMENT: sampling.top_p: 2.0");
  }

  @Test
  void aCallerWhoseDeadlinePassesLeavesTheSessionUsable() {
    SampleFromSessionRequest.Builder request =
        SampleFromSessionRequest.newBuilder().setSessionId(session).setCompletionsCount(64);
    for (int i = 0; i < 200; i++) {
      request.addPrompts(TextOrTokens.newBuilder().setText("int x"));
    }
    request.getSamplingBuilder().setMaxNewTokens(40);
    assertThatThrownBy(
            () ->
                learner
                    .stub
                    .withDeadlineAfter(300, TimeUnit.MILLISECONDS)
                    .sampleFromSession(request.build()))
        .extracting(e -> Status.fromThrowable(e).getCode())
        .isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(scores(GROUPS)).hasSize(3);
  }

  private ForwardBackwardResult train(ObjectiveKind kind, List<TrainingGroup> groups) {
    return learner.train(session, objective(kind).build(), groups);
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

  private Operation step() {
    return learner
        .stub
        .optimizerStep(OptimizerStepRequest.newBuilder().setSessionId(session).build())
        .getOperation();
  }

  private List<List<Float>> scores(List<TrainingGroup> groups) {
    return learner
        .stub
        .forward(ForwardRequest.newBuilder().setSessionId(session).addAllGroups(groups).build())
        .getGroupsList()
        .stream()
        .flatMap(group -> group.getCompletionsList().stream())
        .map(completion -> completion.getLogProbsList())
        .toList();
  }

  private static double sum(ForwardBackwardResult result, int group, int completion) {
    return result.getGroups(group).getCompletions(completion).getLogProbsList().stream()
        .mapToDouble(Float::doubleValue)
        .sum();
  }

  private static NamedObjective.Builder objective(ObjectiveKind kind) {
    return NamedObjective.newBuilder().setKind(kind);
  }
}
