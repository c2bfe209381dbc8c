package io.ballast.orchestrator.grpc;

import static io.ballast.orchestrator.testing.LearnerCalls.refused;
import static io.ballast.orchestrator.testing.LearnerCalls.tokens;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.learner.v1.AdapterConfig;
import io.ballast.learner.v1.AdapterProjection;
import io.ballast.learner.v1.CreateSessionRequest;
import io.ballast.learner.v1.ForwardWeights;
import io.ballast.learner.v1.GetSessionRequest;
import io.ballast.learner.v1.ListSessionsRequest;
import io.ballast.learner.v1.NamedObjective;
import io.ballast.learner.v1.ObjectiveKind;
import io.ballast.learner.v1.Operation;
import io.ballast.learner.v1.OperationState;
import io.ballast.learner.v1.OptimizerConfig;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.learner.v1.SaveWeightsRequest;
import io.ballast.learner.v1.Session;
import io.ballast.learner.v1.TrainingCompletion;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.orchestrator.testing.LearnerCalls;
import io.ballast.orchestrator.testing.TestLearner;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sessions train adapters on a base that they share, and keep an average, over the wire. */
class LearnerAdaptersTest {
  private static final Pattern TAKES = Pattern.compile("takes ([\\d,]+)");
  private static final ForwardWeights CURRENT = ForwardWeights.FORWARD_WEIGHTS_CURRENT;
  private static final ForwardWeights REFERENCE = ForwardWeights.FORWARD_WEIGHTS_REFERENCE;
  private static final ForwardWeights AVERAGE = ForwardWeights.FORWARD_WEIGHTS_AVERAGE;
  private static final NamedObjective OBJECTIVE =
      NamedObjective.newBuilder().setKind(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP).build();
  private static final List<TrainingGroup> GROUPS =
      List.of(
          TrainingGroup.newBuilder()
              .setPromptTokens(tokens(70, 71, 72))
              .addCompletions(
                  TrainingCompletion.newBuilder()
                      .setTokens(tokens(10, 11, 12, 13))
                      .addAdvantages(1))
              .addCompletions(
                  TrainingCompletion.newBuilder().setTokens(tokens(20, 21)).addAdvantages(-1))
              .build());
  private static final AdapterConfig ADAPTERS =
      AdapterConfig.newBuilder()
          .setRank(4)
          .setAlpha(8)
          .addProjections(AdapterProjection.ADAPTER_PROJECTION_Q_PROJ)
          .addProjections(AdapterProjection.ADAPTER_PROJECTION_V_PROJ)
          .addProjections(AdapterProjection.ADAPTER_PROJECTION_DOWN_PROJ)
          .setSeed(3)
          .build();

  @TempDir Path root = Path.of("");
  private LearnerCalls learner;

  @BeforeEach
  void start() {
    learner = new LearnerCalls(root);
  }

  @AfterEach
  void stop() {
    learner.close();
  }

  private String open(AdapterConfig adapters) {
    return learner.open("1", session -> session.setAdapters(adapters));
  }

  private void train(String session, int updates) {
    for (int i = 0; i < updates; i++) {
      learner.train(session, OBJECTIVE, GROUPS);
      assertThat(learner.step(session)).isPositive();
    }
  }

  private double advantage(String session, ForwardWeights weights) {
    List<List<Float>> logProbs = learner.logProbs(session, GROUPS, weights);
    return sum(logProbs.getFirst()) - sum(logProbs.getLast());
  }

  private static double sum(List<Float> numbers) {
    return numbers.stream().mapToDouble(Float::doubleValue).sum();
  }

  @Test
  void adaptersLearnAndTheirBaseIsNotTouched() throws IOException {
    Path weights = root.resolve("models/tiny/1/model.safetensors");
    byte[] file = Files.readAllBytes(weights);
    String session = open(ADAPTERS);
    List<List<Float>> base = learner.logProbs(session, GROUPS, REFERENCE);
    assertThat(learner.logProbs(session, GROUPS, CURRENT)).as("at the start").isEqualTo(base);

    train(session, 5);
    assertThat(advantage(session, CURRENT)).isGreaterThan(advantage(session, REFERENCE) + 0.1);
    assertThat(learner.logProbs(session, GROUPS, REFERENCE)).isEqualTo(base);
    assertThat(Files.readAllBytes(weights)).isEqualTo(file);
    String plain = learner.open("1");
    assertThat(learner.logProbs(plain, GROUPS, CURRENT)).isEqualTo(base);
  }

  @Test
  void sessionsOnOneBaseLearnApart() {
    String first = open(ADAPTERS);
    String second = open(ADAPTERS.toBuilder().setRank(2).build());
    List<List<Float>> base = learner.logProbs(first, GROUPS, REFERENCE);
    train(first, 3);
    assertThat(learner.logProbs(second, GROUPS, CURRENT)).isEqualTo(base);
    List<List<Float>> trained = learner.logProbs(first, GROUPS, CURRENT);
    train(second, 1);
    assertThat(learner.logProbs(first, GROUPS, CURRENT)).isEqualTo(trained);
  }

  @Test
  void theBaseThatTheyShareIsCountedOnce() {
    long alone = takes(TestLearner.Room.plenty().withSessions(9, 1), 0);
    long beside = takes(TestLearner.Room.plenty().withSessions(9, alone), 1);
    // 4 + 2 bytes of each weight of the base: embedding 257·16, attention 4·16², feed-forward
    // 3·16·24, three norms of 16
    assertThat(alone - beside).isEqualTo(6 * (257 * 16 + 4 * 256 + 3 * 384 + 3 * 16));
    assertThat(takes(TestLearner.Room.plenty().withSessions(9, alone + beside), 2))
        .isEqualTo(beside);
  }

  /** What a session takes that has no room beside so many others. */
  private long takes(TestLearner.Room room, int others) {
    try (LearnerCalls small = new LearnerCalls(root, room)) {
      UnaryOperator<CreateSessionRequest.Builder> adapters = s -> s.setAdapters(ADAPTERS);
      for (int i = 0; i < others; i++) {
        small.open("1", adapters);
      }
      try {
        small.open("1", adapters);
      } catch (StatusRuntimeException e) {
        assertThat(e.getStatus().getCode())
            .isEqualTo(
                others == 0 ? Status.Code.FAILED_PRECONDITION : Status.Code.RESOURCE_EXHAUSTED);
        Matcher matcher = TAKES.matcher(String.valueOf(e.getMessage()));
        assertThat(matcher.find()).as(e.getMessage()).isTrue();
        return Long.parseLong(matcher.group(1).replace(",", ""));
      }
      throw new AssertionError("there was room");
    }
  }

  @Test
  void aPublishedSessionSaysWhatItsAdaptersSaid() {
    String session = open(ADAPTERS);
    train(session, 3);
    List<List<Float>> trained = learner.logProbs(session, GROUPS, CURRENT);
    Operation saved = learner.save(session, SaveWeightsRequest.newBuilder().setPublishVersion("2"));
    assertThat(saved.getSaveWeights().getVersion().getVersion()).isEqualTo("2");

    String published = learner.open("2");
    // B·A is added in 32 bits to W: another order of the same sums
    close(learner.logProbs(published, GROUPS, CURRENT), trained);
    SampleFromSessionRequest.Builder sample =
        SampleFromSessionRequest.newBuilder()
            .addPrompts(TextOrTokens.newBuilder().setText("int x = "));
    sample.getSamplingBuilder().setMaxNewTokens(8).setSeed(5);
    assertThat(learner.stub.sampleFromSession(sample.setSessionId(published).build()).getSamples(0))
        .isEqualTo(
            learner.stub.sampleFromSession(sample.setSessionId(session).build()).getSamples(0));
  }

  private static void close(List<List<Float>> found, List<List<Float>> expected) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(found.get(i)).hasSameSizeAs(expected.get(i));
      for (int t = 0; t < expected.get(i).size(); t++) {
        assertThat(found.get(i).get(t)).isCloseTo(expected.get(i).get(t), within(1e-5f));
      }
    }
  }

  @Test
  void aCheckpointOfAdaptersIsGoneOnFromExactly() {
    UnaryOperator<CreateSessionRequest.Builder> averaged =
        session -> session.setAdapters(ADAPTERS).setAverageDecay(0.9);
    String whole = learner.open("1", averaged);
    train(whole, 2);
    assertThat(learner.save(whole, SaveWeightsRequest.newBuilder().setCheckpoint("two")).getState())
        .isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
    String resumed = learner.open("1", averaged);
    assertThat(learner.load(resumed, "two").getLoadWeights().getUpdatesCount()).isEqualTo(2);
    train(whole, 2);
    train(resumed, 2);
    for (ForwardWeights weights : List.of(CURRENT, AVERAGE)) {
      assertThat(learner.logProbs(resumed, GROUPS, weights))
          .isEqualTo(learner.logProbs(whole, GROUPS, weights));
    }
    assertThat(learner.logProbs(whole, GROUPS, AVERAGE))
        .isNotEqualTo(learner.logProbs(whole, GROUPS, CURRENT));
  }

  @Test
  void aCheckpointThatWasTakenOtherwiseIsRefusedWithTheDifference() {
    String session = open(ADAPTERS);
    train(session, 1);
    learner.save(session, SaveWeightsRequest.newBuilder().setCheckpoint("kept"));
    List<List<Float>> base = learner.logProbs(session, GROUPS, REFERENCE);
    differs(s -> s, base, "adapters: rank 4 on [Q_PROJ, V_PROJ, DOWN_PROJ] (expected: absent)");
    differs(
        s -> s.setAdapters(ADAPTERS.toBuilder().setRank(2)),
        base,
        "adapters: rank 4 on [Q_PROJ, V_PROJ, DOWN_PROJ] (expected: rank 2 on [");
    differs(
        s -> s.setAdapters(ADAPTERS.toBuilder().setAlpha(4)), base, "alpha: 8.0 (expected: 4.0)");
    differs(
        s -> s.setAdapters(ADAPTERS).setAverageDecay(0.5),
        base,
        "average_decay: absent (expected: 0.5)");
    differs(
        s ->
            s.setAdapters(ADAPTERS)
                .setOptimizer(OptimizerConfig.newBuilder().setLearningRate(1).setBeta1(0.5)),
        base,
        "beta1: 0.9 (expected: 0.5)");
  }

  private void differs(
      UnaryOperator<CreateSessionRequest.Builder> options, List<List<Float>> base, String message) {
    String other = learner.open("1", options);
    Operation operation = learner.load(other, "kept");
    assertThat(operation.getErrorReason()).isEqualTo("PRECONDITION_FAILED");
    assertThat(operation.getErrorMessage()).startsWith("kept.safetensors: " + message);
    assertThat(learner.logProbs(other, GROUPS, CURRENT)).isEqualTo(base);
    learner.stub.closeSession(
        io.ballast.learner.v1.CloseSessionRequest.newBuilder().setSessionId(other).build());
  }

  @Test
  void anAverageAnswersAndIsPublishedInTheWeightsPlace() {
    String session = learner.open("1", s -> s.setAdapters(ADAPTERS).setAverageDecay(0.5));
    train(session, 3);
    List<List<Float>> average = learner.logProbs(session, GROUPS, AVERAGE);
    assertThat(advantage(session, AVERAGE))
        .isStrictlyBetween(advantage(session, REFERENCE), advantage(session, CURRENT));
    learner.save(
        session, SaveWeightsRequest.newBuilder().setPublishVersion("mean").setAverage(true));
    close(learner.logProbs(learner.open("mean"), GROUPS, CURRENT), average);
  }

  @Test
  void anAverageThatIsNotKeptIsRefusedBeforeItIsQueued() {
    String session = open(ADAPTERS);
    String message =
        "weights: AVERAGE (expected: others; session " + session + " keeps no average)";
    refused(
        () -> learner.logProbs(session, GROUPS, AVERAGE), Status.Code.FAILED_PRECONDITION, message);
    SaveWeightsRequest.Builder publish =
        SaveWeightsRequest.newBuilder().setAverage(true).setPublishVersion("2");
    refused(() -> learner.save(session, publish), Status.Code.FAILED_PRECONDITION, message);
    SaveWeightsRequest.Builder keep =
        SaveWeightsRequest.newBuilder().setAverage(true).setCheckpoint("kept");
    refused(
        () -> learner.save(session, keep),
        Status.Code.INVALID_ARGUMENT,
        "average: beside checkpoint (expected: none, a checkpoint has both)");
  }

  @Test
  void whatIsWrongWithAdaptersIsNamed() {
    refusedAdapters(ADAPTERS.toBuilder().clearRank(), "adapters.rank: 0 (expected: ≥ 1)");
    refusedAdapters(ADAPTERS.toBuilder().setRank(-1), "adapters.rank: -1 (expected: ≥ 1)");
    refusedAdapters(
        ADAPTERS.toBuilder().setRank(17),
        "adapters.rank: 17 (expected: ≤ 16, the lesser width of model.layers.0.self_attn.q_proj");
    refusedAdapters(
        ADAPTERS.toBuilder().setAlpha(0), "adapters.alpha: 0.0 (expected: > 0, at most 1,000,000)");
    refusedAdapters(
        ADAPTERS.toBuilder().setAlpha(1e300),
        "adapters.alpha: 1.0E300 (expected: > 0, at most 1,000,000)");
    refusedAdapters(
        ADAPTERS.toBuilder().setAlpha(Double.NaN),
        "adapters.alpha: NaN (expected: > 0, at most 1,000,000)");
    refusedAdapters(
        ADAPTERS.toBuilder().setAlpha(Double.POSITIVE_INFINITY), "adapters.alpha: Infinity (");
    refusedAdapters(
        ADAPTERS.toBuilder().addProjections(AdapterProjection.ADAPTER_PROJECTION_Q_PROJ),
        "adapters.projections[3]: Q_PROJ (expected: each once)");
    refusedAdapters(
        ADAPTERS.toBuilder().addProjections(AdapterProjection.ADAPTER_PROJECTION_UNSPECIFIED),
        "adapters.projections[3]: not set (expected: an AdapterProjection)");
    refusedAdapters(
        ADAPTERS.toBuilder().addProjectionsValue(99),
        "adapters.projections[3]: not set (expected: an AdapterProjection)");
    refused(
        () -> learner.open("1", s -> s.setAverageDecay(1)),
        Status.Code.INVALID_ARGUMENT,
        "average_decay: 1.0 (expected: ≥ 0 and < 1)");
    assertThat(
            learner.stub.listSessions(ListSessionsRequest.getDefaultInstance()).getSessionsList())
        .isEmpty();
  }

  private void refusedAdapters(AdapterConfig.Builder adapters, String message) {
    refused(() -> open(adapters.build()), Status.Code.INVALID_ARGUMENT, message);
  }

  @Test
  void whatIsRefusedHasMadeNoRoom() {
    String first = open(ADAPTERS);
    String second = learner.open("1");
    learner.pass(Duration.ofHours(2));
    refusedAdapters(ADAPTERS.toBuilder().setRank(17), "adapters.rank: 17 (expected: ≤ 16");
    assertThat(
            learner.stub.listSessions(ListSessionsRequest.getDefaultInstance()).getSessionsList())
        .extracting(Session::getSessionId)
        .containsExactlyInAnyOrder(first, second);
  }

  @Test
  void aSessionSaysHowItTrains() {
    String all =
        learner.open(
            "1", s -> s.setAdapters(AdapterConfig.newBuilder().setRank(2)).setAverageDecay(0.25));
    Session session =
        learner
            .stub
            .getSession(GetSessionRequest.newBuilder().setSessionId(all).build())
            .getSession();
    assertThat(session.getAverageDecay()).isEqualTo(0.25);
    assertThat(session.getAdapters().getAlpha()).as("the rank where none was said").isEqualTo(2);
    assertThat(session.getAdapters().getProjectionsList()).hasSize(7);
    Session plain =
        learner
            .stub
            .getSession(GetSessionRequest.newBuilder().setSessionId(learner.open("1")).build())
            .getSession();
    assertThat(plain.hasAdapters()).isFalse();
    assertThat(plain.hasAverageDecay()).isFalse();
  }

  @Test
  void aKeyIsTheSameWhateverTheOrderOfProjections() {
    RequestMetadata keyed = RequestMetadata.newBuilder().setIdempotencyKey("k").build();
    AdapterConfig.Builder turned = ADAPTERS.toBuilder().clearProjections();
    ADAPTERS.getProjectionsList().reversed().forEach(turned::addProjections);
    String first = learner.open("1", s -> s.setMetadata(keyed).setAdapters(ADAPTERS));
    assertThat(learner.open("1", s -> s.setMetadata(keyed).setAdapters(turned))).isEqualTo(first);
    refused(
        () ->
            learner.open(
                "1", s -> s.setMetadata(keyed).setAdapters(ADAPTERS.toBuilder().setSeed(4))),
        Status.Code.INVALID_ARGUMENT,
        "metadata.idempotency_key: 'k' was used for another request");
  }

  @Test
  void whatTheBaseHasLostIsToldWithoutWhereItLay() throws IOException {
    String session = open(ADAPTERS);
    train(session, 1);
    Files.delete(root.resolve("models/tiny/1/model.safetensors"));
    Operation operation =
        learner.save(session, SaveWeightsRequest.newBuilder().setPublishVersion("2"));
    assertThat(operation.getErrorReason()).isEqualTo("PRECONDITION_FAILED");
    assertThat(operation.getErrorMessage())
        .isEqualTo("tiny/1/model.safetensors: the file is missing");
    refused(
        () ->
            learner.stub.sampleFromSession(
                SampleFromSessionRequest.newBuilder()
                    .setSessionId(session)
                    .addPrompts(TextOrTokens.newBuilder().setText("int"))
                    .build()),
        Status.Code.FAILED_PRECONDITION,
        "FAILED_PRECONDITION: tiny/1/model.safetensors: the file is missing");
    // what needs no file goes on
    train(session, 1);
  }
}
