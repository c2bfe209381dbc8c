package io.ballast.standalone.experiment.algorithms;

import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.CreateRunResponse;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.PromptSource;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.RunSpent;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.ballast.policy.v1.Completion;
import io.ballast.policy.v1.CompletionGroup;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.policy.v1.SampleResponse;
import io.ballast.policy.v1.SampleResult;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A mesh with one run of three iterations of 1,000 tokens each, whose policy writes "x", "xx", and
 * so on, in eight tokens each, and whose reward likes what is long.
 */
final class FakeMesh implements AutoCloseable {
  static final String RUN = "run";
  static final String WEIGHTS = "ab".repeat(32);
  static final int TOKENS = 1_000;

  /** Everything that it was asked, in order. */
  final List<Object> asked = Collections.synchronizedList(new ArrayList<>());

  /** How the run ends; while it goes on, the stream just ends. */
  volatile RunState end = RunState.RUN_STATE_HELD;

  /** How the run stands while it is told of its iterations. */
  volatile RunState meanwhile = RunState.RUN_STATE_LEARNING;

  /** How many iterations are done when the first is told; 0: as many as are told. */
  volatile int doneBefore;

  /** Why no run is created; null: one is. */
  volatile @Nullable Status refusal;

  /** The weights that sample. */
  volatile String weights = WEIGHTS;

  /** Whether each completion is worth the same. */
  volatile boolean indifferent;

  private final Server server;
  private final ManagedChannel channel;

  FakeMesh() throws IOException {
    String name = UUID.randomUUID().toString();
    this.server =
        InProcessServerBuilder.forName(name)
            .addService(new Runs())
            .addService(new Policy())
            .addService(new Rewards())
            .build()
            .start();
    this.channel = InProcessChannelBuilder.forName(name).build();
  }

  ManagedChannel channel() {
    return channel;
  }

  /** Everything of a kind that it was asked, in order. */
  <T> List<T> asked(Class<T> kind) {
    return asked.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.shutdownNow();
  }

  private static <T> void answer(StreamObserver<T> observer, T answer) {
    observer.onNext(answer);
    observer.onCompleted();
  }

  private final class Runs extends RunServiceGrpc.RunServiceImplBase {
    private Run run(RunState state, int done) {
      return Run.newBuilder()
          .setRunId(RUN)
          .setState(state)
          .setIterationsDone(Math.max(done, doneBefore))
          .setMessage("as the test says")
          .setEarlyStopReason("budget.tokens is used up")
          .setCandidateVersion(
              ModelVersion.newBuilder().setModel("java-tiny").setVersion("candidate"))
          .build();
    }

    @Override
    public void createRun(CreateRunRequest request, StreamObserver<CreateRunResponse> observer) {
      asked.add(request);
      Status no = refusal;
      if (no != null) {
        observer.onError(no.asRuntimeException());
        return;
      }
      answer(
          observer,
          CreateRunResponse.newBuilder().setRun(run(RunState.RUN_STATE_QUEUED, 0)).build());
    }

    @Override
    public void getRun(GetRunRequest request, StreamObserver<GetRunResponse> observer) {
      asked.add(request);
      answer(
          observer,
          GetRunResponse.newBuilder()
              .setRun(run(RunState.RUN_STATE_QUEUED, 0))
              .addPromptSources(PromptSource.newBuilder().setPromptsCount(46).setBadRowsCount(2))
              .build());
    }

    @Override
    public void watchRun(WatchRunRequest request, StreamObserver<WatchRunResponse> observer) {
      asked.add(request);
      for (int i = 1; i <= 3; i++) {
        observer.onNext(
            WatchRunResponse.newBuilder()
                .setRun(run(meanwhile, i))
                .setIteration(
                    IterationMetrics.newBuilder()
                        .setIteration(i)
                        .setSpent(
                            RunSpent.newBuilder().setCompletionTokensCount((long) i * TOKENS)))
                .build());
      }
      answer(observer, WatchRunResponse.newBuilder().setRun(run(end, 3)).build());
    }
  }

  private final class Policy extends PolicyServiceGrpc.PolicyServiceImplBase {
    @Override
    public void sample(SampleRequest request, StreamObserver<SampleResponse> observer) {
      asked.add(request);
      SampleResponse.Builder response =
          SampleResponse.newBuilder()
              .setPolicyVersion(ModelVersion.newBuilder().setWeightsSha256(weights));
      for (int p = 0; p < request.getPromptsCount(); p++) {
        CompletionGroup.Builder group =
            CompletionGroup.newBuilder().setPromptTokens(TokenSequence.newBuilder().addTokenIds(1));
        for (int i = 1; i <= request.getCompletionsCount(); i++) {
          Completion.Builder completion = Completion.newBuilder().setText("x".repeat(i));
          for (int t = 0; t < 8; t++) {
            completion.getTokensBuilder().addTokenIds(7);
            completion.addLogProbs(-1);
          }
          group.addCompletions(completion);
        }
        response.addResults(SampleResult.newBuilder().setGroup(group));
      }
      answer(observer, response.build());
    }
  }

  private final class Rewards extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      asked.add(request);
      ScoreResponse.Builder response = ScoreResponse.newBuilder();
      for (ScoreItem item : request.getItemsList()) {
        response.addResults(
            ScoreResult.newBuilder()
                .setValue(indifferent ? 1 : item.getCompletion().getText().length())
                .setSpread(0.5));
      }
      answer(observer, response.build());
    }
  }
}
