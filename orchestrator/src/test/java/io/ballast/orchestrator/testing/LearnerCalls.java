package io.ballast.orchestrator.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.learner.v1.CallerGradients;
import io.ballast.learner.v1.CreateSessionRequest;
import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.ForwardBackwardResult;
import io.ballast.learner.v1.ForwardRequest;
import io.ballast.learner.v1.ForwardWeights;
import io.ballast.learner.v1.LearnerServiceGrpc;
import io.ballast.learner.v1.LearnerServiceGrpc.LearnerServiceBlockingStub;
import io.ballast.learner.v1.LoadWeightsRequest;
import io.ballast.learner.v1.NamedObjective;
import io.ballast.learner.v1.Operation;
import io.ballast.learner.v1.OperationState;
import io.ballast.learner.v1.OptimizerConfig;
import io.ballast.learner.v1.OptimizerStepRequest;
import io.ballast.learner.v1.SaveWeightsRequest;
import io.ballast.learner.v1.TrainingCompletion;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.TokenSequence;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** A trainer that speaks to {@link TestLearner} over gRPC. */
public final class LearnerCalls implements AutoCloseable {
  /**
   * An optimiser within all limits that remembers no squares: once the gradients are 0 it divides
   * what is left of their mean by ε.
   */
  private static final OptimizerConfig WILD =
      OptimizerConfig.newBuilder()
          .setLearningRate(0.01)
          .setBeta2(0)
          .setEpsilon(1e-30)
          .setMaxGradientNorm(1e30)
          .build();

  public final LearnerServiceBlockingStub stub;

  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("orchestrator"), 64);
  private final TestLearner learner;
  private final Server server;
  private final String name = InProcessServerBuilder.generateName();
  private final List<ManagedChannel> channels = new ArrayList<>();

  /** One with much room. */
  public LearnerCalls(Path root) {
    this(root, TestLearner.Room.plenty());
  }

  /**
   * @param root an empty folder
   */
  public LearnerCalls(Path root, TestLearner.Room room) {
    TinyModel.writeTo(root.resolve("models"));
    learner = new TestLearner(root, replies, room);
    try {
      server = InProcessServerBuilder.forName(name).addService(learner.service()).build().start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    stub = LearnerServiceGrpc.newBlockingStub(connect());
  }

  /** Another client's connection, which it may lose. */
  public ManagedChannel connect() {
    ManagedChannel channel = InProcessChannelBuilder.forName(name).build();
    channels.add(channel);
    return channel;
  }

  /** Lets time pass. */
  public void pass(Duration time) {
    learner.pass(time);
  }

  /** Opens a session on a version of the tiny model. */
  public String open(String version) {
    return open(version, session -> session);
  }

  /** Opens a session on a version of the tiny model, with more to say. */
  public String open(String version, UnaryOperator<CreateSessionRequest.Builder> more) {
    CreateSessionRequest.Builder request =
        CreateSessionRequest.newBuilder()
            .setBase(ModelSelector.newBuilder().setModel(TinyModel.NAME).setVersion(version))
            .setOptimizer(OptimizerConfig.newBuilder().setLearningRate(0.01));
    return stub.createSession(more.apply(request).build()).getSession().getSessionId();
  }

  /** Opens a session whose weights {@link #overflow} can make infinite. */
  public String openWild() {
    return open("1", session -> session.setOptimizer(WILD));
  }

  /** Makes weights of a session of {@link #openWild} infinite, by two updates that succeed. */
  public void overflow(String session) {
    for (double gradient : new double[] {1e14, 0}) {
      TrainingCompletion.Builder completion =
          TrainingCompletion.newBuilder()
              .setTokens(tokens(5, 6))
              .addAllLogProbGradients(List.of(gradient, gradient));
      Operation added =
          stub.forwardBackward(
                  ForwardBackwardRequest.newBuilder()
                      .setSessionId(session)
                      .addGroups(
                          TrainingGroup.newBuilder()
                              .setPromptTokens(tokens(1, 2))
                              .addCompletions(completion))
                      .setCallerGradients(CallerGradients.getDefaultInstance())
                      .build())
              .getOperation();
      assertThat(succeeded(added).hasForwardBackward()).isTrue();
      assertThat(step(session)).isFinite();
    }
  }

  /** Adds gradients and returns what was found; it must succeed. */
  public ForwardBackwardResult train(
      String session, NamedObjective objective, List<TrainingGroup> groups) {
    return succeeded(
            stub.forwardBackward(
                    ForwardBackwardRequest.newBuilder()
                        .setSessionId(session)
                        .addAllGroups(groups)
                        .setObjective(objective)
                        .build())
                .getOperation())
        .getForwardBackward();
  }

  /** Updates the weights and returns the gradient's norm; it must succeed. */
  public double step(String session) {
    return succeeded(
            stub.optimizerStep(OptimizerStepRequest.newBuilder().setSessionId(session).build())
                .getOperation())
        .getOptimizerStep()
        .getGradientNorm();
  }

  /** Saves what {@code request} says. */
  public Operation save(String session, SaveWeightsRequest.Builder request) {
    return stub.saveWeights(request.setSessionId(session).build()).getOperation();
  }

  /** Goes back to a checkpoint. */
  public Operation load(String session, String checkpoint) {
    return stub.loadWeights(
            LoadWeightsRequest.newBuilder().setSessionId(session).setCheckpoint(checkpoint).build())
        .getOperation();
  }

  /** The log-probabilities of each completion of all groups. */
  public List<List<Float>> logProbs(
      String session, List<TrainingGroup> groups, ForwardWeights weights) {
    return stub
        .forward(
            ForwardRequest.newBuilder()
                .setSessionId(session)
                .addAllGroups(groups)
                .setWeights(weights)
                .build())
        .getGroupsList()
        .stream()
        .flatMap(group -> group.getCompletionsList().stream())
        .map(completion -> completion.getLogProbsList())
        .toList();
  }

  private static Operation succeeded(Operation operation) {
    if (operation.getState() != OperationState.OPERATION_STATE_SUCCEEDED) {
      throw new AssertionError(operation.toString());
    }
    return operation;
  }

  public static TokenSequence tokens(Integer... ids) {
    return TokenSequence.newBuilder().addAllTokenIds(List.of(ids)).build();
  }

  /** Requires that {@code call} ends with {@code code} and says {@code message}. */
  public static void refused(ThrowingCallable call, Status.Code code, String message) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class, e -> assertThat(e.getStatus().getCode()).isEqualTo(code))
        .hasMessageContaining(message);
  }

  @Override
  public void close() {
    channels.forEach(ManagedChannel::shutdownNow);
    server.shutdownNow();
    learner.close();
    replies.close();
  }
}
