package io.ballast.orchestrator.testing;

import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.learner.v1.CreateSessionRequest;
import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.ForwardBackwardResult;
import io.ballast.learner.v1.LearnerServiceGrpc;
import io.ballast.learner.v1.LearnerServiceGrpc.LearnerServiceBlockingStub;
import io.ballast.learner.v1.NamedObjective;
import io.ballast.learner.v1.Operation;
import io.ballast.learner.v1.OperationState;
import io.ballast.learner.v1.OptimizerConfig;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.TokenSequence;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;

/** A trainer that speaks to {@link TestLearner} over gRPC. */
public final class LearnerCalls implements AutoCloseable {
  public final LearnerServiceBlockingStub stub;

  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("orchestrator"), 64);
  private final TestLearner learner;
  private final Server server;
  private final ManagedChannel channel;

  /**
   * @param root an empty folder
   */
  public LearnerCalls(Path root) {
    TinyModel.writeTo(root.resolve("models"));
    learner = new TestLearner(root, replies);
    String name = InProcessServerBuilder.generateName();
    try {
      server = InProcessServerBuilder.forName(name).addService(learner.service()).build().start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    channel = InProcessChannelBuilder.forName(name).build();
    stub = LearnerServiceGrpc.newBlockingStub(channel);
  }

  /** Opens a session on a version of the tiny model. */
  public String open(String version) {
    return stub.createSession(
            CreateSessionRequest.newBuilder()
                .setBase(ModelSelector.newBuilder().setModel(TinyModel.NAME).setVersion(version))
                .setOptimizer(OptimizerConfig.newBuilder().setLearningRate(0.01))
                .build())
        .getSession()
        .getSessionId();
  }

  /** Adds gradients and returns what was found; it must succeed. */
  public ForwardBackwardResult train(
      String session, NamedObjective objective, List<TrainingGroup> groups) {
    Operation operation =
        stub.forwardBackward(
                ForwardBackwardRequest.newBuilder()
                    .setSessionId(session)
                    .addAllGroups(groups)
                    .setObjective(objective)
                    .build())
            .getOperation();
    if (operation.getState() != OperationState.OPERATION_STATE_SUCCEEDED) {
      throw new AssertionError(operation.toString());
    }
    return operation.getForwardBackward();
  }

  public static TokenSequence tokens(Integer... ids) {
    return TokenSequence.newBuilder().addAllTokenIds(List.of(ids)).build();
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.shutdownNow();
    learner.close();
    replies.close();
  }
}
