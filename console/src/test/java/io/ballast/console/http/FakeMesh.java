package io.ballast.console.http;

import com.google.protobuf.Timestamp;
import com.google.protobuf.util.Durations;
import io.ballast.console.mesh.ConsoleMesh;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.telemetry.RecentSpans.EndedSpan;
import io.ballast.kit.telemetry.Telemetry;
import io.ballast.kit.telemetry.TelemetrySettings;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.Timing;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.GetRunResponse;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.ListRunsResponse;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionReason;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.ListAliasesResponse;
import io.ballast.policy.v1.ListVersionsRequest;
import io.ballast.policy.v1.ListVersionsResponse;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.safety.v1.CandidateVerdict;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.GetVerdictRequest;
import io.ballast.safety.v1.GetVerdictResponse;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.ListSafetyTestsResponse;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestOutcome;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.BindableService;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.StreamObserver;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.instrumentation.grpc.v1_6.GrpcTelemetry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/** Four servers in this process whose answers are known, each of which can be taken away. */
final class FakeMesh implements ConsoleMesh, AutoCloseable {
  static final String RUN_ID = "0c7f0000-0000-4000-8000-000000000002";
  static final String CERTIFICATE_ID = "0cef0000-0000-4000-8000-000000000003";

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private static final ModelVersion POLICY =
      ModelVersion.newBuilder()
          .setModel("java-tiny")
          .setVersion("1")
          .setWeightsSha256("ab".repeat(32))
          .build();
  private static final SafetyTestOutcome OUTCOME =
      SafetyTestOutcome.newBuilder()
          .setN(300)
          .setMeanCost(0.2)
          .setUpperBound(0.24)
          .setThreshold(0.25)
          .setDelta(0.1)
          .build();

  private final Telemetry telemetry =
      Telemetry.start(
          new TelemetrySettings("test", Optional.empty(), 1, 100, Duration.ofSeconds(1)));
  private final Map<Role, Server> servers = new EnumMap<>(Role.class);
  private final Map<Role, ManagedChannel> channels = new EnumMap<>(Role.class);
  private final Map<Role, HealthStatusManager> health = new EnumMap<>(Role.class);

  /** What calls showed of who asks, in order. */
  final List<String> shown = new CopyOnWriteArrayList<>();

  /** What Suggest was asked, in order. */
  final List<SuggestRequest> suggested = new CopyOnWriteArrayList<>();

  /** What a call of Suggest ends with instead of an answer; null: an answer. */
  volatile @Nullable MeshException refusal;

  /** Calls of Suggest wait for it to be released. */
  volatile CountDownLatch held = new CountDownLatch(0);

  /** A permit for each call of Suggest that has come. */
  final Semaphore came = new Semaphore(0);

  /** Whether the process is still starting. */
  volatile boolean starting;

  /** Whether it keeps spans. */
  volatile boolean keepsSpans = true;

  FakeMesh() {
    serve(Role.POLICY_SERVER, PolicyServiceGrpc.SERVICE_NAME, new FakePolicy(), new FakeVersions());
    serve(Role.REWARD_SERVER, RewardServiceGrpc.SERVICE_NAME);
    serve(Role.SAFETY_SERVER, SafetyServiceGrpc.SERVICE_NAME, new FakeSafety());
    serve(Role.ORCHESTRATOR, RunServiceGrpc.SERVICE_NAME, new FakeRuns());
  }

  /** Keeps what calls show of who asks. */
  private final class Shown implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      Optional.ofNullable(headers.get(AUTHORIZATION)).ifPresent(shown::add);
      return next.startCall(call, headers);
    }
  }

  private void serve(Role role, String judgedBy, BindableService... services) {
    String name = UUID.randomUUID().toString();
    HealthStatusManager status = new HealthStatusManager();
    status.setStatus(judgedBy, ServingStatus.SERVING);
    InProcessServerBuilder builder =
        InProcessServerBuilder.forName(name)
            .directExecutor()
            .intercept(GrpcTelemetry.create(telemetry.api()).newServerInterceptor())
            .intercept(new Shown())
            .addService(status.getHealthService());
    for (BindableService service : services) {
      builder.addService(service);
    }
    try {
      servers.put(role, builder.build().start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    health.put(role, status);
    channels.put(
        role,
        InProcessChannelBuilder.forName(name)
            .intercept(GrpcTelemetry.create(telemetry.api()).newClientInterceptor())
            .build());
  }

  /** Takes a server away. */
  void stop(Role role) throws InterruptedException {
    Objects.requireNonNull(servers.get(role)).shutdownNow().awaitTermination();
  }

  /** Makes a server say that it does not serve. */
  void drain(Role role) {
    Objects.requireNonNull(health.get(role)).enterTerminalState();
  }

  @Override
  public Channel peer(Role role) {
    if (starting) {
      throw new MeshException(Fault.MODEL_LOADING, "the servers of this process are starting");
    }
    return Objects.requireNonNull(channels.get(role));
  }

  @Override
  public Place place(Role role) {
    return role == Role.REWARD_SERVER
        ? new Place(false, List.of("reward.internal:9101"))
        : new Place(true, List.of("127.0.0.1:9100"));
  }

  @Override
  public Tracer tracer() {
    return telemetry.api().getTracer("test");
  }

  @Override
  public Optional<List<EndedSpan>> spans(String traceId) {
    return keepsSpans ? Optional.of(telemetry.recent().trace(traceId)) : Optional.empty();
  }

  @Override
  public void close() {
    channels.values().forEach(ManagedChannel::shutdownNow);
    servers.values().forEach(Server::shutdownNow);
    telemetry.close();
  }

  private static <T> void answer(StreamObserver<T> observer, T message) {
    observer.onNext(message);
    observer.onCompleted();
  }

  private static void refuse(StreamObserver<?> observer, MeshException why) {
    observer.onError(new StatusMapper("fake").judge(why).answer());
  }

  private final class FakePolicy extends PolicyServiceGrpc.PolicyServiceImplBase {
    @Override
    public void suggest(SuggestRequest request, StreamObserver<SuggestResponse> observer) {
      suggested.add(request);
      came.release();
      try {
        held.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      MeshException why = refusal;
      if (why != null) {
        refuse(observer, why);
        return;
      }
      answer(
          observer,
          SuggestResponse.newBuilder()
              .setSuggestionId("01990000-0000-7000-8000-000000000001")
              .setDecision(Decision.DECISION_SHOW)
              .setReason(DecisionReason.DECISION_REASON_LIKELY_ACCEPTED)
              .setText("n; i++) {")
              .setAcceptProbability(0.5)
              .setAcceptThreshold(0.3)
              .setPropensity(1)
              .setSeed(Long.MAX_VALUE)
              .setPolicyVersion(POLICY)
              .setTiming(Timing.newBuilder().setInferDuration(Durations.fromMillis(12)))
              .build());
    }
  }

  private static final class FakeVersions extends VersionServiceGrpc.VersionServiceImplBase {
    @Override
    public void listVersions(
        ListVersionsRequest request, StreamObserver<ListVersionsResponse> observer) {
      if (!request.getModel().isEmpty() && !request.getModel().equals("java-tiny")) {
        refuse(observer, new MeshException(Fault.UNKNOWN_MODEL, "no model " + request.getModel()));
        return;
      }
      answer(
          observer,
          ListVersionsResponse.newBuilder()
              .addVersions(PolicyVersion.newBuilder().setVersion(POLICY))
              .build());
    }

    @Override
    public void listAliases(
        ListAliasesRequest request, StreamObserver<ListAliasesResponse> observer) {
      answer(
          observer,
          ListAliasesResponse.newBuilder()
              .addAliases(
                  PolicyAlias.newBuilder()
                      .setModel("java-tiny")
                      .setAlias("serving")
                      .setVersion("1"))
              .build());
    }
  }

  private static final class FakeRuns extends RunServiceGrpc.RunServiceImplBase {
    private static final Run RUN =
        Run.newBuilder()
            .setRunId(RUN_ID)
            .setName("constrained")
            .setState(RunState.RUN_STATE_LEARNING)
            .setSpec("name: constrained")
            .setIterationsCount(20)
            .build();

    @Override
    public void listRuns(ListRunsRequest request, StreamObserver<ListRunsResponse> observer) {
      answer(observer, ListRunsResponse.newBuilder().addRuns(RUN).build());
    }

    @Override
    public void getRun(GetRunRequest request, StreamObserver<GetRunResponse> observer) {
      if (!request.getRunId().equals(RUN_ID)) {
        refuse(observer, new MeshException(Fault.UNKNOWN_RESOURCE, "no run " + request.getRunId()));
        return;
      }
      answer(
          observer,
          GetRunResponse.newBuilder()
              .setRun(RUN)
              .addIterations(
                  IterationMetrics.newBuilder().setIteration(1).setMeanReward(0).setMeanCost(0.3))
              .addIterations(IterationMetrics.newBuilder().setIteration(2).setLambda(0))
              .build());
    }
  }

  private static final class FakeSafety extends SafetyServiceGrpc.SafetyServiceImplBase {
    @Override
    public void listSafetyTests(
        ListSafetyTestsRequest request, StreamObserver<ListSafetyTestsResponse> observer) {
      answer(
          observer,
          ListSafetyTestsResponse.newBuilder()
              .addTests(
                  SafetyTest.newBuilder()
                      .setState(SafetyTestState.SAFETY_TEST_STATE_PASSED)
                      .setCertificateId(CERTIFICATE_ID)
                      .setOutcome(OUTCOME))
              .build());
    }

    /** Version 1 passes; 2 found no solution, 3 was revoked, 4 is being tested, 5 has expired. */
    @Override
    public void getVerdict(GetVerdictRequest request, StreamObserver<GetVerdictResponse> observer) {
      ModelVersion candidate = request.getCandidate();
      CandidateVerdict verdict =
          switch (candidate.getVersion()) {
            case "1" -> CandidateVerdict.CANDIDATE_VERDICT_PASS;
            case "2" -> CandidateVerdict.CANDIDATE_VERDICT_NO_SOLUTION_FOUND;
            case "3" -> CandidateVerdict.CANDIDATE_VERDICT_REVOKED;
            case "4" -> CandidateVerdict.CANDIDATE_VERDICT_RUNNING;
            case "5" -> CandidateVerdict.CANDIDATE_VERDICT_EXPIRED;
            default -> CandidateVerdict.CANDIDATE_VERDICT_UNSPECIFIED;
          };
      if (verdict == CandidateVerdict.CANDIDATE_VERDICT_UNSPECIFIED) {
        refuse(
            observer,
            new MeshException(Fault.UNKNOWN_MODEL, "no version " + candidate.getVersion()));
        return;
      }
      GetVerdictResponse.Builder response =
          GetVerdictResponse.newBuilder()
              .setVerdict(verdict)
              .setReason("because, for '" + request.getAlias() + "'")
              .setCandidate(candidate.toBuilder().setWeightsSha256(POLICY.getWeightsSha256()))
              .setTest(SafetyTest.newBuilder().setTestId(RUN_ID));
      if (verdict == CandidateVerdict.CANDIDATE_VERDICT_PASS) {
        response.getTestBuilder().setOutcome(OUTCOME);
        response.setCertificate(
            Certificate.newBuilder()
                .setCertificateId(CERTIFICATE_ID)
                .setExpireTime(Timestamp.newBuilder().setSeconds(1_800_000_000)));
      }
      answer(observer, response.build());
    }

    @Override
    public void verifyCertificate(
        VerifyCertificateRequest request, StreamObserver<VerifyCertificateResponse> observer) {
      answer(
          observer,
          VerifyCertificateResponse.newBuilder()
              .setValid(true)
              .addFindings("digest: matches")
              .setCertificate(
                  Certificate.newBuilder()
                      .setCertificateId(request.getCertificateId())
                      .setOutcome(OUTCOME))
              .setRecomputedUpperBound(0.24)
              .build());
    }
  }
}
