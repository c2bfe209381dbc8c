package io.ballast.orchestrator.grpc;

import static io.ballast.orchestrator.testing.LearnerCalls.refused;
import static io.ballast.orchestrator.testing.LearnerCalls.tokens;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.protobuf.Duration;
import io.ballast.learner.v1.CallerGradients;
import io.ballast.learner.v1.CloseSessionRequest;
import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.ForwardWeights;
import io.ballast.learner.v1.GetSessionRequest;
import io.ballast.learner.v1.LearnerServiceGrpc;
import io.ballast.learner.v1.LearnerServiceGrpc.LearnerServiceBlockingStub;
import io.ballast.learner.v1.NamedObjective;
import io.ballast.learner.v1.ObjectiveKind;
import io.ballast.learner.v1.Operation;
import io.ballast.learner.v1.OperationState;
import io.ballast.learner.v1.OptimizerStepRequest;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.learner.v1.SessionSample;
import io.ballast.learner.v1.TrainingCompletion;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.learner.v1.WaitOperationRequest;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.orchestrator.testing.LearnerCalls;
import io.ballast.orchestrator.testing.TestLearner;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What clients do to a session: two at once, lost ones, those that send what cannot be learned. */
class LearnerClientsTest {
  private static final int CONTEXT = 48;
  private static final int TIMES = 10;
  private static final NamedObjective OBJECTIVE =
      NamedObjective.newBuilder().setKind(ObjectiveKind.OBJECTIVE_KIND_POLICY_GRADIENT).build();
  private static final TrainingGroup FIRST = group(10, 11, 12);
  private static final TrainingGroup SECOND = group(20, 21);

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

  private static TrainingGroup group(Integer... completion) {
    return TrainingGroup.newBuilder()
        .setPromptTokens(tokens(70, 71))
        .addCompletions(
            TrainingCompletion.newBuilder().setTokens(tokens(completion)).addAdvantages(1))
        .build();
  }

  private ForwardBackwardRequest.Builder gradients(TrainingGroup group) {
    return ForwardBackwardRequest.newBuilder()
        .setSessionId(session)
        .addGroups(group)
        .setObjective(OBJECTIVE);
  }

  private OptimizerStepRequest step() {
    return OptimizerStepRequest.newBuilder().setSessionId(session).build();
  }

  @Test
  void gradientsOfTwoClientsAtOnceAddUp() throws Exception {
    List<Operation> ended =
        both(
            client -> client.forwardBackward(gradients(FIRST).build()).getOperation(),
            client -> client.forwardBackward(gradients(SECOND).build()).getOperation());
    assertThat(ended)
        .extracting(Operation::getState)
        .containsOnly(OperationState.OPERATION_STATE_SUCCEEDED);
    double together = learner.step(session);

    session = learner.open("1");
    for (int i = 0; i < TIMES; i++) {
      learner.train(session, OBJECTIVE, List.of(FIRST));
      learner.train(session, OBJECTIVE, List.of(SECOND));
    }
    // the order of the sum is all that may differ
    assertThat(together).isCloseTo(learner.step(session), within(1e-4 * together));
  }

  @Test
  void updatesOfTwoClientsAtOnceAreInTurnOrRefused() throws Exception {
    List<Operation> updates = Collections.synchronizedList(new ArrayList<>());
    Client trains =
        client -> {
          Operation added = client.forwardBackward(gradients(FIRST).build()).getOperation();
          try {
            updates.add(client.optimizerStep(step()).getOperation());
          } catch (StatusRuntimeException e) { // the other's update took the gradients with it
            assertThat(e).hasMessageStartingWith("FAILED_PRECONDITION: there are no gradients");
          }
          return added;
        };
    assertThat(both(trains, trains))
        .extracting(Operation::getState)
        .containsOnly(OperationState.OPERATION_STATE_SUCCEEDED);
    assertThat(updates).hasSizeBetween(TIMES, 2 * TIMES);
    assertThat(updates)
        .extracting(update -> update.getOptimizerStep().getUpdatesCount())
        .doesNotHaveDuplicates()
        .allMatch(count -> count >= 1 && count <= updates.size());
    assertThat(
            learner
                .stub
                .getSession(GetSessionRequest.newBuilder().setSessionId(session).build())
                .getSession()
                .getUpdatesCount())
        .isEqualTo(updates.size());
  }

  /** What a client does, again and again. */
  private interface Client {
    Operation call(LearnerServiceBlockingStub stub);
  }

  /** Two clients with connections of their own. */
  private List<Operation> both(Client first, Client second) throws Exception {
    List<Callable<List<Operation>>> clients = new ArrayList<>();
    for (Client client : List.of(first, second)) {
      LearnerServiceBlockingStub stub = LearnerServiceGrpc.newBlockingStub(learner.connect());
      clients.add(
          () -> {
            List<Operation> ended = new ArrayList<>();
            for (int i = 0; i < TIMES; i++) {
              ended.add(client.call(stub));
            }
            return ended;
          });
    }
    List<Operation> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      for (Future<List<Operation>> done : threads.invokeAll(clients)) {
        all.addAll(done.get());
      }
    }
    return all;
  }

  @Test
  void aConnectionLostWhileGradientsAddUpLosesAndDoublesNothing() {
    ManagedChannel lost = learner.connect();
    Operation begun =
        LearnerServiceGrpc.newBlockingStub(lost)
            .forwardBackward(
                gradients(FIRST)
                    .setMetadata(key("first"))
                    .setWaitDuration(Duration.getDefaultInstance())
                    .build())
            .getOperation();
    // whether this one is taken before the connection ends is chance; that it counts once is not
    ForwardBackwardRequest second = gradients(SECOND).setMetadata(key("second")).build();
    var unused = LearnerServiceGrpc.newFutureStub(lost).forwardBackward(second);
    lost.shutdownNow();

    LearnerServiceBlockingStub later = LearnerServiceGrpc.newBlockingStub(learner.connect());
    Operation first =
        later
            .waitOperation(
                WaitOperationRequest.newBuilder().setOperationId(begun.getOperationId()).build())
            .getOperation();
    assertThat(first.getState()).isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
    Operation again = later.forwardBackward(second).getOperation();
    assertThat(again.getState()).isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
    double norm = later.optimizerStep(step()).getOperation().getOptimizerStep().getGradientNorm();

    session = learner.open("1");
    learner.train(session, OBJECTIVE, List.of(FIRST));
    learner.train(session, OBJECTIVE, List.of(SECOND));
    assertThat(norm).isEqualTo(learner.step(session));
  }

  @Test
  void anOperationOfASessionThatIsGoneIsNamed() {
    Operation done = learner.stub.forwardBackward(gradients(FIRST).build()).getOperation();
    learner.stub.closeSession(CloseSessionRequest.newBuilder().setSessionId(session).build());
    refused(
        () ->
            learner.stub.waitOperation(
                WaitOperationRequest.newBuilder().setOperationId(done.getOperationId()).build()),
        Status.Code.NOT_FOUND,
        "there is no operation '" + done.getOperationId() + "'");
  }

  private static RequestMetadata key(String key) {
    return RequestMetadata.newBuilder().setIdempotencyKey(key).build();
  }

  @Test
  void aCallersGradientsThatCannotBeAddedAreNamedAndNothingIsAdded() {
    refusedGradients(
        own().addAllLogProbGradients(List.of(1.0, Double.NaN)),
        "log_prob_gradients[1]: NaN (expected: finite)");
    refusedGradients(
        own().addAllLogProbGradients(List.of(Double.NEGATIVE_INFINITY, 1.0)),
        "log_prob_gradients[0]: -Infinity (expected: finite)");
    refusedGradients(
        own().addAllLogProbGradients(List.of(1.0)), "log_prob_gradients: 1 numbers for 2 tokens");
    refusedGradients(
        own().addAllLogProbGradients(List.of(1.0, 1.0, 1.0)),
        "log_prob_gradients: 3 numbers for 2 tokens");
    refusedGradients(own(), "log_prob_gradients: none (expected: one for each token)");
    refusedGradients(
        own().addAllLogProbGradients(List.of(1.0, 1.0)).addEntropyGradients(Double.NaN),
        "entropy_gradients[0]: NaN (expected: finite)");
    refusedGradients(
        own().addAllLogProbGradients(List.of(1.0, 1.0)).addEntropyGradients(1),
        "entropy_gradients: 1 numbers for 2 tokens");
    refused(
        () -> learner.stub.optimizerStep(step()),
        Status.Code.FAILED_PRECONDITION,
        "there are no gradients");
  }

  private static TrainingCompletion.Builder own() {
    return TrainingCompletion.newBuilder().setTokens(tokens(20, 21));
  }

  /** The first completion is whole, the second is not. */
  private void refusedGradients(TrainingCompletion.Builder bad, String message) {
    TrainingGroup group =
        TrainingGroup.newBuilder()
            .setPromptTokens(tokens(70))
            .addCompletions(own().addAllLogProbGradients(List.of(1.0, 1.0)))
            .addCompletions(bad)
            .build();
    refused(
        () ->
            learner.stub.forwardBackward(
                ForwardBackwardRequest.newBuilder()
                    .setSessionId(session)
                    .addGroups(group)
                    .setCallerGradients(CallerGradients.getDefaultInstance())
                    .build()),
        Status.Code.INVALID_ARGUMENT,
        "groups[0].completions[1]." + message);
  }

  @Test
  void aPromptAsLongAsTheContextLeavesNoTokenToLearn() {
    Integer[] whole = Collections.nCopies(CONTEXT, 70).toArray(Integer[]::new);
    TrainingGroup full =
        TrainingGroup.newBuilder()
            .setPromptTokens(tokens(whole))
            .addCompletions(TrainingCompletion.newBuilder().setTokens(tokens(1)).addAdvantages(1))
            .build();
    refused(
        () -> learner.stub.forwardBackward(gradients(full).build()),
        Status.Code.INVALID_ARGUMENT,
        "groups[0].completions[0].tokens: 1 tokens after a prompt of 48, limit 48 together");
    TrainingGroup fits =
        full.toBuilder()
            .setPromptTokens(tokens(Collections.nCopies(CONTEXT - 1, 70).toArray(Integer[]::new)))
            .build();
    assertThat(learner.train(session, OBJECTIVE, List.of(fits)).getGroupsList()).hasSize(1);
    assertThat(learner.step(session)).isPositive();
  }

  @Test
  void aPromptAsLongAsTheContextIsSampledFromItsLastTokens() {
    SampleFromSessionRequest.Builder request =
        SampleFromSessionRequest.newBuilder()
            .setSessionId(session)
            .addPrompts(TextOrTokens.newBuilder().setText("x".repeat(CONTEXT)));
    request.getSamplingBuilder().setMaxNewTokens(4).setSeed(1);
    SessionSample sample = learner.stub.sampleFromSession(request.build()).getSamples(0);
    assertThat(sample.getPromptTokens().getTokenIdsCount()).isEqualTo(CONTEXT - 4);
    assertThat(sample.getCompletions(0).getTokens().getTokenIdsCount()).isBetween(0, 4);
    // where new tokens alone would fill the context, one token of the prompt is left
    request.getSamplingBuilder().setMaxNewTokens(10 * CONTEXT);
    SessionSample longest = learner.stub.sampleFromSession(request.build()).getSamples(0);
    assertThat(longest.getPromptTokens().getTokenIdsCount()).isEqualTo(1);
  }

  @Test
  void whatMemoryWouldNotHoldIsRefusedAndTheSessionGoesOn() {
    // each of two sessions has half of the machine, and a pass a quarter of that: six tokens, as
    // in TorchTraineeTest
    TestLearner.Room room = TestLearner.Room.plenty().withMachineBytes(2 * 4 * 17_247L);
    try (LearnerCalls small = new LearnerCalls(root, room)) {
      String narrow = small.open("1");
      Operation refused =
          small
              .stub
              .forwardBackward(
                  ForwardBackwardRequest.newBuilder()
                      .setSessionId(narrow)
                      .addGroups(group(1, 2, 3, 4, 5))
                      .setObjective(OBJECTIVE)
                      .build())
              .getOperation();
      assertThat(refused.getErrorReason()).isEqualTo("MALFORMED_REQUEST");
      assertThat(refused.getErrorMessage())
          .isEqualTo(
              "groups[0]: 7 tokens, limit 6: a pass over them takes more memory than this may"
                  + " have (17,248 bytes, limit 17,247)");
      refused(
          () ->
              small.logProbs(
                  narrow, List.of(group(1, 2, 3, 4, 5)), ForwardWeights.FORWARD_WEIGHTS_REFERENCE),
          Status.Code.INVALID_ARGUMENT,
          "groups[0]: 7 tokens, limit 6");
      small.train(narrow, OBJECTIVE, List.of(group(1, 2, 3, 4)));
      assertThat(small.step(narrow)).isPositive();
    }
  }
}
