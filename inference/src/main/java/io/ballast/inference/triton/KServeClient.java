package io.ballast.inference.triton;

import io.ballast.inference.triton.ModelDescription.TensorPromise;
import io.ballast.inference.triton.TritonException.Reason;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.ModelConfig;
import io.ballast.kserve.v2.ModelConfigRequest;
import io.ballast.kserve.v2.ModelInferResponse;
import io.ballast.kserve.v2.ModelInput;
import io.ballast.kserve.v2.ModelMetadataRequest;
import io.ballast.kserve.v2.ModelMetadataResponse;
import io.ballast.kserve.v2.ModelMetadataResponse.TensorMetadata;
import io.ballast.kserve.v2.ModelReadyRequest;
import io.ballast.kserve.v2.ServerLiveRequest;
import io.ballast.kserve.v2.ServerMetadataRequest;
import io.ballast.kserve.v2.ServerMetadataResponse;
import io.ballast.kserve.v2.ServerReadyRequest;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * A client of a KServe v2 server, such as Triton: health, metadata and inference. Safe for use by
 * many threads. Every call has a deadline, leaves with the calling {@link Context}, and fails with
 * a {@link TritonException}; no answer is seen before it was compared with the model's metadata.
 */
public final class KServeClient {
  private static final String SERVER = "server";

  private final Calls calls;
  private final KServeSettings settings;
  private final Map<ServedModel, ModelDescription> descriptions = new ConcurrentHashMap<>();

  /** Asks through {@code channel}, which stays its owner's. */
  public KServeClient(Channel channel, KServeSettings settings) {
    this.calls = new Calls(channel);
    this.settings = settings;
  }

  /** Who a server is, and what it can do beyond the protocol's core. */
  public record ServerDescription(String name, String version, Set<String> extensions) {
    public ServerDescription {
      extensions = Set.copyOf(extensions);
    }
  }

  /** Whether the server runs; one that is not reached fails UNAVAILABLE. */
  public boolean live() {
    return control(
            GRPCInferenceServiceGrpc.getServerLiveMethod(),
            ServerLiveRequest.getDefaultInstance(),
            SERVER)
        .getLive();
  }

  /**
   * Whether what the server was told to load is loaded. Triton says no as long as any model is
   * being unloaded.
   */
  public boolean ready() {
    return control(
            GRPCInferenceServiceGrpc.getServerReadyMethod(),
            ServerReadyRequest.getDefaultInstance(),
            SERVER)
        .getReady();
  }

  /**
   * Whether the server says that a model takes inferences; false for one that it does not know.
   * Triton says so too of a model whose process has died.
   */
  public boolean ready(ServedModel model) {
    try {
      return control(
              GRPCInferenceServiceGrpc.getModelReadyMethod(),
              ModelReadyRequest.newBuilder()
                  .setName(model.name())
                  .setVersion(model.version())
                  .build(),
              subject(model))
          .getReady();
    } catch (TritonException e) {
      if (e.reason() == Reason.UNKNOWN_MODEL) {
        return false;
      }
      throw e;
    }
  }

  /** Who the server is. */
  public ServerDescription server() {
    ServerMetadataResponse wire =
        control(
            GRPCInferenceServiceGrpc.getServerMetadataMethod(),
            ServerMetadataRequest.getDefaultInstance(),
            SERVER);
    return new ServerDescription(
        wire.getName(), wire.getVersion(), Set.copyOf(wire.getExtensionsList()));
  }

  /** What a model takes and gives, asked for once. */
  public ModelDescription describe(ServedModel model) {
    ModelDescription known = descriptions.get(model);
    return known != null ? known : describeAnew(model);
  }

  /** What a model takes and gives now. */
  public ModelDescription describeAnew(ServedModel model) {
    return describeAnew(model, Calls.deadline(settings.controlDeadline()));
  }

  /** A model's configuration, as Triton's config.pbtxt has it. */
  ModelConfig config(ServedModel model) {
    return config(model, Calls.deadline(settings.controlDeadline()));
  }

  /** Returns the answer, waiting for it; of models that are not decoupled. */
  public InferAnswer infer(InferRequest request) {
    Deadline deadline = deadline(request);
    ModelDescription known = describe(request.model(), deadline);
    ModelInferResponse wire =
        forgetting(
            request.model(),
            () ->
                calls.unary(
                    GRPCInferenceServiceGrpc.getModelInferMethod(),
                    InferMapper.toWire(request, queueTimeout(request, deadline), false),
                    deadline,
                    subject(request.model())));
    return checked(request, known, wire, deadline);
  }

  /**
   * Returns the answer to come; cancelling it cancels the call. The first request to a model waits
   * for its metadata here, within its deadline, and throws what comes of that. What is to follow
   * upon the answer runs in a thread of the channel's executor; that of a {@link KServeConnection}
   * or {@link KServeFleet} has a virtual thread for each answer, which may block.
   */
  public CompletableFuture<InferAnswer> inferAsync(InferRequest request) {
    Deadline deadline = deadline(request);
    ModelDescription known = describe(request.model(), deadline);
    CompletableFuture<ModelInferResponse> call =
        calls.future(
            GRPCInferenceServiceGrpc.getModelInferMethod(),
            InferMapper.toWire(request, queueTimeout(request, deadline), false),
            deadline,
            subject(request.model()));
    CompletableFuture<InferAnswer> answer = new CompletableFuture<>();
    var unused =
        call.whenComplete(
            (wire, failure) -> {
              if (failure != null) {
                forget(request.model(), failure);
                answer.completeExceptionally(failure);
                return;
              }
              try {
                answer.complete(checked(request, known, wire, deadline));
              } catch (RuntimeException e) {
                answer.completeExceptionally(
                    e); // whatever it is: nobody else would tell the caller
              }
            });
    var cancelled =
        answer.whenComplete(
            (value, failure) -> {
              if (answer.isCancelled()) {
                call.cancel(false);
              }
            });
    return answer;
  }

  /**
   * Starts a request on a stream of its own: the way of decoupled models, which answer any number
   * of times. Close the stream; that cancels what is still to come, or drains it, as the settings
   * have it.
   */
  public InferStream stream(InferRequest request) {
    Deadline deadline = deadline(request);
    ModelDescription known = describe(request.model(), deadline);
    return InferStream.start(
        calls.channel(),
        settings.drainStreams() ? own(request) : deadline, // its caller's would cancel it
        settings.answersAhead(),
        settings.drainStreams(),
        request,
        known,
        InferMapper.toWire(request, queueTimeout(request, deadline), true),
        this);
  }

  /** The models that the server has, and loading and unloading them. */
  public ModelRepository repository() {
    return new ModelRepository(this, calls, settings);
  }

  /** Memory that client and server share. */
  public SharedMemory sharedMemory() {
    return new SharedMemory(calls, settings);
  }

  /** What the server traces and logs. */
  public ServerSettings settings() {
    return new ServerSettings(calls, settings);
  }

  /** Where it asks: {@code host:port} of one server. */
  String at() {
    return calls.channel().authority();
  }

  /** Returns counts and times of a model since it was loaded, one for each version. */
  public List<ModelCounts> statistics(ServedModel model) {
    return ModelCounts.ask(calls, settings.controlDeadline(), model.name(), model.version());
  }

  /** Returns counts and times of all models that are loaded. */
  public List<ModelCounts> statistics() {
    return ModelCounts.ask(calls, settings.controlDeadline(), "", "");
  }

  /** Forgets what is known of a model, which may have changed. */
  void forget(String model) {
    descriptions.keySet().removeIf(known -> known.name().equals(model));
  }

  /** Forgets what is known of a model if {@code failure} says that it has gone. */
  void forget(ServedModel model, Throwable failure) {
    if (failure instanceof TritonException triton && triton.reason() == Reason.UNKNOWN_MODEL) {
      forget(model.name());
    }
  }

  /**
   * Returns the answer if it is as promised, by what was known of the model when it was asked or by
   * what it is now: it may have been loaded anew with another configuration.
   *
   * @param deadline the request's
   * @throws TritonException WRONG_ANSWER, whatever is wrong with it
   */
  InferAnswer checked(
      InferRequest request, ModelDescription known, ModelInferResponse wire, Deadline deadline) {
    InferAnswer answer = InferMapper.fromWire(wire, request);
    Optional<String> wrong = AnswerCheck.wrong(known, request, answer);
    if (wrong.isPresent()) {
      ModelDescription now = describeAnewOr(known, request.model(), deadline);
      wrong = now.equals(known) ? wrong : AnswerCheck.wrong(now, request, answer);
    }
    if (wrong.isPresent()) {
      throw new TritonException(Reason.WRONG_ANSWER, subject(request.model()) + ": " + wrong.get());
    }
    return answer;
  }

  private ModelDescription describe(ServedModel model, Deadline deadline) {
    ModelDescription known = descriptions.get(model);
    return known != null ? known : describeAnew(model, control(deadline));
  }

  private ModelDescription describeAnew(ServedModel model, Deadline deadline) {
    ModelMetadataResponse metadata =
        calls.unary(
            GRPCInferenceServiceGrpc.getModelMetadataMethod(),
            ModelMetadataRequest.newBuilder()
                .setName(model.name())
                .setVersion(model.version())
                .build(),
            deadline,
            subject(model));
    ModelDescription description = describe(metadata, configOrDefault(model, deadline));
    descriptions.put(model, description);
    return description;
  }

  private ModelDescription describeAnewOr(
      ModelDescription known, ServedModel model, Deadline deadline) {
    try {
      return describeAnew(model, control(deadline));
    } catch (TritonException e) {
      return known; // it has gone, or the server has: what it promised is what is known
    }
  }

  static String subject(ServedModel model) {
    return "model " + model;
  }

  private <A> A forgetting(ServedModel model, Supplier<A> call) {
    try {
      return call.get();
    } catch (TritonException e) {
      forget(model, e);
      throw e;
    }
  }

  private <Q, A> A control(MethodDescriptor<Q, A> method, Q request, String subject) {
    return calls.unary(method, request, settings.controlDeadline(), subject);
  }

  /** Returns the nearer of an inference's deadline and the one of control. */
  private Deadline control(Deadline deadline) {
    return deadline.minimum(Calls.deadline(settings.controlDeadline()));
  }

  /** Returns the deadline of the request itself, whatever its caller's is. */
  private Deadline own(InferRequest request) {
    return Deadline.after(
        request.deadline().orElse(settings.inferDeadline()).toNanos(), TimeUnit.NANOSECONDS);
  }

  private Deadline deadline(InferRequest request) {
    return Calls.deadline(request.deadline().orElse(settings.inferDeadline()));
  }

  private Optional<Duration> queueTimeout(InferRequest request, Deadline deadline) {
    if (request.queueTimeout().isPresent() || !settings.deadlineAsQueueTimeout()) {
      return request.queueTimeout();
    }
    long left = deadline.timeRemaining(TimeUnit.NANOSECONDS);
    return left > 0 ? Optional.of(Duration.ofNanos(left)) : Optional.empty();
  }

  /** The protocol's core has no configuration: a server without it has models as it shows them. */
  private ModelConfig configOrDefault(ServedModel model, Deadline deadline) {
    try {
      return config(model, deadline);
    } catch (TritonException e) {
      if (e.reason() == Reason.UNSUPPORTED) {
        return ModelConfig.getDefaultInstance();
      }
      throw e;
    }
  }

  private ModelConfig config(ServedModel model, Deadline deadline) {
    return calls
        .unary(
            GRPCInferenceServiceGrpc.getModelConfigMethod(),
            ModelConfigRequest.newBuilder()
                .setName(model.name())
                .setVersion(model.version())
                .build(),
            deadline,
            subject(model))
        .getConfig();
  }

  private static ModelDescription describe(ModelMetadataResponse metadata, ModelConfig config) {
    Set<String> optional =
        config.getInputList().stream()
            .filter(ModelInput::getOptional)
            .map(ModelInput::getName)
            .collect(Collectors.toSet());
    return new ModelDescription(
        metadata.getName(),
        metadata.getVersionsList(),
        metadata.getPlatform(),
        metadata.getInputsList().stream()
            .map(tensor -> promise(tensor, optional.contains(tensor.getName())))
            .toList(),
        metadata.getOutputsList().stream().map(tensor -> promise(tensor, false)).toList(),
        config.getMaxBatchSize(),
        config.getModelTransactionPolicy().getDecoupled());
  }

  private static TensorPromise promise(TensorMetadata tensor, boolean optional) {
    TensorType type =
        TensorType.named(tensor.getDatatype())
            .orElseThrow(
                () ->
                    new TritonException(
                        Reason.WRONG_ANSWER,
                        "metadata: tensor '%s' of '%s', which is no type"
                            .formatted(tensor.getName(), tensor.getDatatype())));
    return new TensorPromise(tensor.getName(), type, tensor.getShapeList(), optional);
  }
}
