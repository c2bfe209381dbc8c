package io.ballast.standalone.cli;

import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.RepositoryIndexRequest;
import io.ballast.kserve.v2.RepositoryIndexResponse;
import io.ballast.kserve.v2.RepositoryIndexResponse.ModelIndex;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.StopReason;
import io.ballast.mesh.v1.Timing;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionReason;
import io.ballast.policy.v1.DecisionRecord;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.ReplayDecisionResponse;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestStreamRequest;
import io.ballast.policy.v1.SuggestStreamResponse;
import io.ballast.policy.v1.SuggestionCost;
import io.ballast.policy.v1.SuggestionReward;
import io.ballast.policy.v1.TrainingRecord;
import io.ballast.safety.v1.CanaryWatch;
import io.ballast.safety.v1.SafetyTest;
import io.grpc.BindableService;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** A mesh on a loopback port whose answers the test sets, and which remembers what it was asked. */
final class FakeMesh implements AutoCloseable {
  static final String SUGGESTION_ID = "01990000-0000-7000-8000-000000000001";
  static final String RUN_ID = "0c7f0000-0000-4000-8000-000000000002";
  static final String CERTIFICATE_ID = "0cef0000-0000-4000-8000-000000000003";
  static final String TEST_ID = "0cef0000-0000-4000-8000-000000000004";

  static final ModelVersion POLICY =
      ModelVersion.newBuilder()
          .setModel("java-tiny")
          .setVersion("1")
          .setWeightsSha256("ab".repeat(32))
          .build();

  private final Server server;

  /** Whether the run's reward is a composite, which tells no spread. */
  volatile boolean composed;

  /** Whether the run's rewards are watched with gold, and cannot be believed in the end. */
  volatile boolean alarmed;

  /** Whether the run's first update is not finite and its second has no signal. */
  volatile boolean skipping;

  /** What the next call ends with instead of an answer; null: an answer. */
  volatile @Nullable Status failure;

  /** Whether a run is created for each spec, as a grid does. */
  volatile boolean grid;

  /** Runs of a grid whose spec has this in it fail; empty: none. */
  volatile String failingRuns = "";

  /** What becomes of suggestions. */
  volatile Decision decision = Decision.DECISION_SHOW;

  /** Runs beside the one that every mesh has, the newest first. */
  final List<GetRunResponse> moreRuns = new ArrayList<>();

  /** How the run ends. */
  volatile RunState endOfRun = RunState.RUN_STATE_PROMOTED;

  /** Whether a replay gives what the evidence says. */
  volatile boolean reproducible = true;

  /** Whether a safety test of version "2" has passed. */
  volatile boolean certified = true;

  /** What each look at the safety test that is begun by hand finds, in order. */
  final Deque<SafetyTest> looks = new ArrayDeque<>();

  /** What such a test is refused with; null: it is begun. */
  volatile @Nullable StatusRuntimeException refusedTest;

  /** The certificate that there is. */
  final FakeCertificate signed = new FakeCertificate(CERTIFICATE_ID);

  /** What is watched of canaries. */
  final List<CanaryWatch> canaries = new ArrayList<>();

  /** Whether the stream of feedback has no end. */
  volatile boolean endlessRecords;

  /** The feedback that it keeps. */
  final List<TrainingRecord> trainingRecords = new ArrayList<>();

  /** The decisions that it keeps. */
  final List<DecisionRecord> decisions = new ArrayList<>();

  /** What comes of a decision that is taken again. */
  volatile ReplayDecisionResponse replay = ReplayDecisionResponse.getDefaultInstance();

  /** What was done for good. */
  final FakeAudit audit = new FakeAudit();

  /** Everything of a kind that it was asked, in order. */
  <T> List<T> allAsked(Class<T> kind) {
    return requests.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** Everything it was asked, in order. */
  final List<Object> requests = new ArrayList<>();

  /** The methods of calls that carried a break-glass secret, in order. */
  final List<String> withSecret = new ArrayList<>();

  FakeMesh() {
    this(onLoopback(), null);
  }

  /** One with rewards of its own. */
  FakeMesh(BindableService rewards) {
    this(onLoopback(), rewards);
  }

  /**
   * @param rewards null: {@link FakeReward}
   */
  private FakeMesh(NettyServerBuilder builder, @Nullable BindableService rewards) {
    HealthStatusManager health = new HealthStatusManager();
    builder.directExecutor().addService(health.getHealthService());
    for (BindableService service :
        List.of(
            new FakePolicy(),
            new FakeFeedback(this),
            new FakeVersions(this),
            rewards == null ? new FakeReward(this) : rewards,
            new FakeSafety(this),
            audit,
            new FakeIndex(),
            new FakeRuns(this))) {
      builder.addService(ServerInterceptors.intercept(service.bindService(), new SecretsSeen()));
      health.setStatus(
          service.bindService().getServiceDescriptor().getName(), ServingStatus.SERVING);
    }
    try {
      server = builder.build().start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * One that encrypts.
   *
   * @param certificate PEM
   * @param key PEM
   */
  static FakeMesh encrypted(Path certificate, Path key) {
    try {
      return new FakeMesh(
          onLoopback()
              .sslContext(GrpcSslContexts.forServer(certificate.toFile(), key.toFile()).build()),
          null);
    } catch (SSLException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static NettyServerBuilder onLoopback() {
    return NettyServerBuilder.forAddress(new InetSocketAddress("127.0.0.1", 0));
  }

  /** Where it listens. */
  String address() {
    return "127.0.0.1:" + server.getPort();
  }

  /** The only request of a type. */
  <T> T asked(Class<T> type) {
    List<T> found =
        requests.stream().filter(type::isInstance).map(type::cast).collect(Collectors.toList());
    if (found.size() != 1) {
      throw new AssertionError(found.size() + " requests of " + type.getSimpleName());
    }
    return found.getFirst();
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  <Q, R> void answer(Q request, StreamObserver<R> observer, Function<Q, R> answer) {
    requests.add(request);
    Status failed = failure;
    if (failed != null) {
      observer.onError(failed.asRuntimeException());
      return;
    }
    observer.onNext(answer.apply(request));
    observer.onCompleted();
  }

  /** What KServe clients are told of models. */
  private final class FakeIndex extends GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase {
    @Override
    public void repositoryIndex(
        RepositoryIndexRequest request, StreamObserver<RepositoryIndexResponse> observer) {
      answer(
          request,
          observer,
          asked ->
              RepositoryIndexResponse.newBuilder()
                  .addModels(
                      ModelIndex.newBuilder()
                          .setName(POLICY.getModel())
                          .setVersion(POLICY.getVersion())
                          .setState("READY"))
                  .build());
    }
  }

  private final class SecretsSeen implements ServerInterceptor {
    private static final Metadata.Key<String> HEADER =
        Metadata.Key.of("x-ballast-break-glass", Metadata.ASCII_STRING_MARSHALLER);

    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
      if (headers.containsKey(HEADER)) {
        withSecret.add(call.getMethodDescriptor().getBareMethodName());
      }
      return next.startCall(call, headers);
    }
  }

  private final class FakePolicy extends PolicyServiceGrpc.PolicyServiceImplBase {
    @Override
    public void suggest(SuggestRequest request, StreamObserver<SuggestResponse> observer) {
      answer(request, observer, q -> suggestion());
    }

    @Override
    public void suggestStream(
        SuggestStreamRequest request, StreamObserver<SuggestStreamResponse> observer) {
      observer.onNext(SuggestStreamResponse.newBuilder().setTextDelta("n; ").build());
      observer.onNext(SuggestStreamResponse.newBuilder().setTextDelta("i++) {").build());
      answer(
          request,
          observer,
          q -> SuggestStreamResponse.newBuilder().setFinished(suggestion()).build());
    }

    private SuggestResponse suggestion() {
      return SuggestResponse.newBuilder()
          .setSuggestionId(SUGGESTION_ID)
          .setDecision(decision)
          .setReason(
              decision == Decision.DECISION_SHOW
                  ? DecisionReason.DECISION_REASON_LIKELY_ACCEPTED
                  : DecisionReason.DECISION_REASON_COST_OVER_THRESHOLD)
          .setText(decision == Decision.DECISION_SHOW ? "n; i++) {" : "")
          .setAcceptProbability(0.41)
          .setAcceptThreshold(0.3)
          .setPropensity(0.95)
          .setPolicyVersion(POLICY)
          .setReward(
              SuggestionReward.newBuilder()
                  .setValue(0.52)
                  .setSpread(0.21)
                  .setModelVersion(model("java-reward")))
          .setCost(
              SuggestionCost.newBuilder()
                  .setHarmProbability(0.11)
                  .setThreshold(0.5)
                  .setModelVersion(model("java-cost")))
          .setStopReason(StopReason.STOP_REASON_STOP_STRING)
          .setSeed(7)
          .setGeneratedTokens(6)
          .setTiming(
              Timing.newBuilder()
                  .setTotalDuration(com.google.protobuf.Duration.newBuilder().setNanos(41_000_000)))
          .build();
    }
  }

  static ModelVersion model(String name) {
    return ModelVersion.newBuilder().setModel(name).setVersion("1").build();
  }
}
