package io.ballast.console.grpc;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.common.util.concurrent.ListenableFuture;
import io.ballast.console.mesh.ConsoleMesh;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.telemetry.RecentSpans.EndedSpan;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.ListVersionsRequest;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.safety.v1.GetVerdictRequest;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.stub.AbstractStub;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.context.Scope;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * Asks the servers what the page shows. Translates and judges nothing: an answer is the server's
 * own message as JSON, a failure is a {@link MeshException}. Blocks; safe for use by many threads.
 */
public final class MeshQuestions {
  private static final Duration HEALTH = Duration.ofSeconds(2);
  private static final Duration LOOK_UP = Duration.ofSeconds(10);
  private static final Duration SUGGEST = Duration.ofSeconds(60);
  private static final double NANOS_PER_MILLI = 1e6;

  private final ConsoleMesh mesh;

  /** Asks the servers of {@code mesh}. */
  public MeshQuestions(ConsoleMesh mesh) {
    this.mesh = mesh;
  }

  /** The four servers: where each is, and its health or why it is not known. */
  public ObjectNode servers() {
    List<ListenableFuture<HealthCheckResponse>> asked = new ArrayList<>();
    for (Role role : Role.values()) {
      asked.add(
          within(HealthGrpc.newFutureStub(mesh.peer(role)), HEALTH)
              .check(HealthCheckRequest.newBuilder().setService(service(role)).build()));
    }
    ObjectNode answer = JsonNodeFactory.instance.objectNode();
    ArrayNode servers = answer.putArray("servers");
    for (Role role : Role.values()) {
      ConsoleMesh.Place place = mesh.place(role);
      ObjectNode server = servers.addObject().put("role", role.label()).put("here", place.here());
      ArrayNode addresses = server.putArray("addresses");
      place.addresses().forEach(addresses::add);
      try {
        HealthCheckResponse health = ask(role, () -> await(asked.get(role.ordinal())));
        server.put("health", health.getStatus().name());
      } catch (MeshException e) {
        server
            .putObject("failure")
            .put("reason", e.fault().name())
            .put("message", String.valueOf(e.getMessage()));
      }
    }
    return answer;
  }

  /** A model's versions, newest first, and the aliases that point to them. */
  public ObjectNode models(Optional<String> model) {
    VersionServiceGrpc.VersionServiceBlockingStub stub =
        within(VersionServiceGrpc.newBlockingStub(mesh.peer(Role.POLICY_SERVER)), LOOK_UP);
    String name = model.orElse("");
    ObjectNode answer =
        ProtoJson.tree(
            ask(
                Role.POLICY_SERVER,
                () -> stub.listVersions(ListVersionsRequest.newBuilder().setModel(name).build())));
    answer.set(
        "aliases",
        ProtoJson.tree(
                ask(
                    Role.POLICY_SERVER,
                    () -> stub.listAliases(ListAliasesRequest.newBuilder().setModel(name).build())))
            .get("aliases"));
    return answer;
  }

  /** The last runs, newest first, without their specs. */
  public ObjectNode runs() {
    ObjectNode answer =
        ProtoJson.tree(
            ask(Role.ORCHESTRATOR, () -> runStub().listRuns(ListRunsRequest.getDefaultInstance())));
    for (JsonNode run : answer.withArray("runs")) {
      ((ObjectNode) run).remove("spec");
    }
    return answer;
  }

  /** One run with all of its iterations. */
  public ObjectNode run(String runId) {
    return ProtoJson.tree(
        ask(
            Role.ORCHESTRATOR,
            () -> runStub().getRun(GetRunRequest.newBuilder().setRunId(runId).build())));
  }

  /** The last safety tests, newest first. */
  public ObjectNode safetyTests() {
    return ProtoJson.tree(
        ask(
            Role.SAFETY_SERVER,
            () -> safetyStub().listSafetyTests(ListSafetyTestsRequest.getDefaultInstance())));
  }

  /** A certificate, computed anew from the stored costs, with what that found. */
  public ObjectNode certificate(String certificateId) {
    return ProtoJson.tree(
        ask(
            Role.SAFETY_SERVER,
            () ->
                safetyStub()
                    .verifyCertificate(
                        VerifyCertificateRequest.newBuilder()
                            .setCertificateId(certificateId)
                            .build())));
  }

  /**
   * Whether a certificate holds for a version now: {@code ok}, {@code verdict}, {@code reason}, and
   * the numbers of the test that it rests on, if any.
   *
   * @param alias that the version would be promoted to; empty: any
   */
  public ObjectNode verdict(String model, String version, String alias) {
    return VerdictJson.of(
        ask(
            Role.SAFETY_SERVER,
            () ->
                safetyStub()
                    .getVerdict(
                        GetVerdictRequest.newBuilder()
                            .setCandidate(
                                ModelVersion.newBuilder().setModel(model).setVersion(version))
                            .setAlias(alias)
                            .build())));
  }

  /** A suggestion, and the id of the call's trace if it is recorded. */
  public ObjectNode suggest(SuggestQuestion question) {
    Span span = mesh.tracer().spanBuilder("console: suggest").setNoParent().startSpan();
    try (Scope scope = span.makeCurrent()) {
      SuggestResponse response =
          ask(
              Role.POLICY_SERVER,
              () ->
                  within(PolicyServiceGrpc.newBlockingStub(mesh.peer(Role.POLICY_SERVER)), SUGGEST)
                      .suggest(request(question)));
      ObjectNode answer = JsonNodeFactory.instance.objectNode();
      answer.set("suggestion", ProtoJson.tree(response));
      if (span.getSpanContext().isSampled()) {
        answer.put("trace_id", span.getSpanContext().getTraceId());
      }
      return answer;
    } catch (MeshException e) {
      span.setStatus(StatusCode.ERROR, e.fault().name());
      throw e;
    } finally {
      span.end();
    }
  }

  /**
   * What this process still knows of a trace.
   *
   * @throws MeshException UNKNOWN_RESOURCE if that is nothing
   */
  public ObjectNode trace(String traceId) {
    List<EndedSpan> spans =
        mesh.spans(traceId)
            .orElseThrow(
                () ->
                    new MeshException(
                        Fault.PRECONDITION_FAILED, "traces: this process keeps no spans"));
    if (spans.isEmpty()) {
      throw new MeshException(
          Fault.UNKNOWN_RESOURCE,
          "trace %s: this process keeps no span of it".formatted(traceId),
          Map.of("trace_id", traceId));
    }
    ObjectNode answer = JsonNodeFactory.instance.objectNode().put("trace_id", traceId);
    answer.put("every_server_here", List.of(Role.values()).stream().allMatch(this::here));
    long first = spans.getFirst().startEpochNanos();
    answer.put("start_time", Instant.ofEpochSecond(0, first).toString());
    ArrayNode list = answer.putArray("spans");
    for (EndedSpan span : spans) {
      ObjectNode entry =
          list.addObject()
              .put("span_id", span.spanId())
              .put("name", span.name())
              .put("kind", span.kind())
              .put("start_millis", (span.startEpochNanos() - first) / NANOS_PER_MILLI)
              .put("duration_millis", span.durationNanos() / NANOS_PER_MILLI);
      if (!span.parentSpanId().isEmpty()) {
        entry.put("parent_span_id", span.parentSpanId());
      }
      if (!span.error().isEmpty()) {
        entry.put("error", span.error());
      }
      ObjectNode attributes = entry.putObject("attributes");
      span.attributes().forEach(attributes::put);
    }
    return answer;
  }

  private boolean here(Role role) {
    return mesh.place(role).here();
  }

  private static SuggestRequest request(SuggestQuestion question) {
    SuggestRequest.Builder request =
        SuggestRequest.newBuilder()
            .setPrompt(question.prompt())
            .setGateMode(
                question.gate().map(MeshQuestions::gateMode).orElse(GateMode.GATE_MODE_UNSPECIFIED))
            .setWithReward(question.withReward())
            .setWithCost(question.withCost());
    if (question.model().isPresent() || question.version().isPresent()) {
      ModelSelector.Builder policy = request.getPolicyBuilder();
      question.model().ifPresent(policy::setModel);
      question.version().ifPresent(policy::setVersion);
    }
    question.candidatesCount().ifPresent(request::setCandidatesCount);
    SamplingOptions.Builder sampling = SamplingOptions.newBuilder();
    question.temperature().ifPresent(sampling::setTemperature);
    question.maxNewTokens().ifPresent(sampling::setMaxNewTokens);
    question.seed().ifPresent(sampling::setSeed);
    return request.setSampling(sampling).build();
  }

  private static GateMode gateMode(SuggestQuestion.Gate gate) {
    return switch (gate) {
      case ENFORCE -> GateMode.GATE_MODE_ENFORCE;
      case SHADOW -> GateMode.GATE_MODE_SHADOW;
      case OFF -> GateMode.GATE_MODE_OFF;
    };
  }

  private RunServiceGrpc.RunServiceBlockingStub runStub() {
    return within(RunServiceGrpc.newBlockingStub(mesh.peer(Role.ORCHESTRATOR)), LOOK_UP);
  }

  private SafetyServiceGrpc.SafetyServiceBlockingStub safetyStub() {
    return within(SafetyServiceGrpc.newBlockingStub(mesh.peer(Role.SAFETY_SERVER)), LOOK_UP);
  }

  private static <S extends AbstractStub<S>> S within(S stub, Duration most) {
    return stub.withDeadlineAfter(most.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** The service by whose health a server is judged. */
  private static String service(Role role) {
    return switch (role) {
      case POLICY_SERVER -> PolicyServiceGrpc.SERVICE_NAME;
      case REWARD_SERVER -> RewardServiceGrpc.SERVICE_NAME;
      case SAFETY_SERVER -> SafetyServiceGrpc.SERVICE_NAME;
      case ORCHESTRATOR -> RunServiceGrpc.SERVICE_NAME;
    };
  }

  /** Waits for an answer; the call has a deadline. */
  private static <T> T await(ListenableFuture<T> answer) {
    try {
      return answer.get();
    } catch (ExecutionException e) {
      throw Status.fromThrowable(e.getCause()).asRuntimeException();
    } catch (InterruptedException e) {
      answer.cancel(true);
      Thread.currentThread().interrupt();
      throw Status.CANCELLED.withDescription("whoever asked has left").asRuntimeException();
    }
  }

  /**
   * Judges what a server says. What it calls malformed is what a person sent: the console adds
   * nothing of its own to a request.
   */
  private static <T> T ask(Role role, Supplier<T> call) {
    try {
      return call.get();
    } catch (StatusRuntimeException e) {
      String description = e.getStatus().getDescription();
      if (e.getStatus().getCode() == Status.Code.INVALID_ARGUMENT && description != null) {
        throw new MeshException(Fault.MALFORMED_REQUEST, description, e);
      }
      throw PeerFaults.translate(e, role.label());
    }
  }
}
