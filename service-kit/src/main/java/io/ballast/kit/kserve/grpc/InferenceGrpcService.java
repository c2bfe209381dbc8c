package io.ballast.kit.kserve.grpc;

import io.ballast.kit.build.CodeVersion;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.BidiReplies;
import io.ballast.kit.grpc.Principals;
import io.ballast.kit.grpc.Replies.Sink;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.kserve.ModelState;
import io.ballast.kit.kserve.ServedModel;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.redaction.Wordless;
import io.ballast.kit.security.Principal;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.InferParameter;
import io.ballast.kserve.v2.ModelConfigRequest;
import io.ballast.kserve.v2.ModelConfigResponse;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferResponse;
import io.ballast.kserve.v2.ModelMetadataRequest;
import io.ballast.kserve.v2.ModelMetadataResponse;
import io.ballast.kserve.v2.ModelReadyRequest;
import io.ballast.kserve.v2.ModelReadyResponse;
import io.ballast.kserve.v2.ModelStatisticsRequest;
import io.ballast.kserve.v2.ModelStatisticsResponse;
import io.ballast.kserve.v2.ModelStreamInferResponse;
import io.ballast.kserve.v2.RepositoryIndexRequest;
import io.ballast.kserve.v2.RepositoryIndexResponse;
import io.ballast.kserve.v2.ServerLiveRequest;
import io.ballast.kserve.v2.ServerLiveResponse;
import io.ballast.kserve.v2.ServerMetadataRequest;
import io.ballast.kserve.v2.ServerMetadataResponse;
import io.ballast.kserve.v2.ServerReadyRequest;
import io.ballast.kserve.v2.ServerReadyResponse;
import io.grpc.Context;
import io.grpc.stub.StreamObserver;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The KServe v2 API over the models of a process: translates, delegates, answers, in the words of
 * Triton where Triton has some. What it leaves out, docs/unimplemented.md lists.
 */
public final class InferenceGrpcService
    extends GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(InferenceGrpcService.class);
  private static final String NAME = "ballast";

  /** Extensions of the protocol, by Triton's names for them, of which all is here. */
  private static final List<String> EXTENSIONS =
      List.of("schedule_policy", "model_configuration", "statistics", "parameters");

  private static final String FINAL_RESPONSE = "triton_final_response";

  /** Characters in a log of what a client may have written. */
  private static final int SHOWN_ID = 128;

  private static final int SHOWN_MESSAGE = 1_024;

  /** The requests of one stream that are under way at once; more are not read from the wire. */
  private static final int WINDOW = 64;

  private final List<ServedModels> shelves;
  private final BidiReplies replies;
  private final StatusMapper mapper;
  private final BooleanSupplier ready;
  private final Inferences inferences;

  /**
   * @param shelves the models of each server of the process
   * @param mapper says on streams what other calls say in their status
   * @param ready whether the process serves
   * @param inferences makes and counts them; closed with this
   */
  public InferenceGrpcService(
      List<ServedModels> shelves,
      BidiReplies replies,
      StatusMapper mapper,
      BooleanSupplier ready,
      Inferences inferences) {
    this.shelves = List.copyOf(shelves);
    this.replies = replies;
    this.mapper = mapper;
    this.ready = ready;
    this.inferences = inferences;
  }

  @Override
  public void serverLive(ServerLiveRequest request, StreamObserver<ServerLiveResponse> observer) {
    replies.unary(observer, () -> ServerLiveResponse.newBuilder().setLive(true).build());
  }

  @Override
  public void serverReady(
      ServerReadyRequest request, StreamObserver<ServerReadyResponse> observer) {
    replies.unary(
        observer, () -> ServerReadyResponse.newBuilder().setReady(ready.getAsBoolean()).build());
  }

  @Override
  public void modelReady(ModelReadyRequest request, StreamObserver<ModelReadyResponse> observer) {
    replies.unary(
        observer,
        () ->
            ModelReadyResponse.newBuilder()
                .setReady(
                    find(request.getName(), request.getVersion()).filter(this::isReady).isPresent())
                .build());
  }

  /** A version that is not listed, such as an iteration of a run, loads when it is asked. */
  private boolean isReady(ServedModel model) {
    return states(model.id().model()).stream()
        .filter(state -> state.version().equals(model.id().version()))
        .allMatch(ModelState::ready);
  }

  @Override
  public void serverMetadata(
      ServerMetadataRequest request, StreamObserver<ServerMetadataResponse> observer) {
    replies.unary(
        observer,
        () ->
            ServerMetadataResponse.newBuilder()
                .setName(NAME)
                .setVersion(CodeVersion.built().release())
                .addAllExtensions(EXTENSIONS)
                .build());
  }

  @Override
  public void modelMetadata(
      ModelMetadataRequest request, StreamObserver<ModelMetadataResponse> observer) {
    replies.unary(
        observer,
        () -> {
          ServedModel model = require(request.getName(), request.getVersion());
          return ModelMessages.metadata(
              model,
              states(request.getName()).stream()
                  .filter(ModelState::ready)
                  .map(ModelState::version)
                  .toList());
        });
  }

  @Override
  public void modelConfig(
      ModelConfigRequest request, StreamObserver<ModelConfigResponse> observer) {
    replies.unary(
        observer,
        () ->
            ModelConfigResponse.newBuilder()
                .setConfig(ModelMessages.config(require(request.getName(), request.getVersion())))
                .build());
  }

  @Override
  public void modelStatistics(
      ModelStatisticsRequest request, StreamObserver<ModelStatisticsResponse> observer) {
    replies.unary(
        observer,
        () -> {
          InferenceCounts counts = inferences.counts();
          ModelStatisticsResponse.Builder response = ModelStatisticsResponse.newBuilder();
          requireStatistics(request.getName(), request.getVersion())
              .forEach(name -> response.addModelStats(counts.statistics(name)));
          return response.build();
        });
  }

  /** The versions that are meant, among those that are listed or were asked before. */
  private Set<InferenceCounts.Name> requireStatistics(String model, String version) {
    Set<InferenceCounts.Name> names = new LinkedHashSet<>();
    (model.isEmpty() ? states() : states(model))
        .forEach(state -> names.add(new InferenceCounts.Name(state.model(), state.version())));
    boolean bound = Principals.current().flatMap(Principal::tenant).isPresent();
    inferences.counts().names().stream()
        .filter(name -> model.isEmpty() || name.model().equals(model))
        .filter(name -> !bound || names.contains(name) || isThere(name)) // others' are not
        .forEach(names::add);
    if (names.isEmpty() && !model.isEmpty()) {
      throw malformed("requested model '%s' is not available".formatted(model));
    }
    names.removeIf(name -> !version.isEmpty() && !name.version().equals(version));
    if (names.isEmpty() && !version.isEmpty()) {
      throw malformed("requested model version is not available for model '%s'".formatted(model));
    }
    return names;
  }

  private boolean isThere(InferenceCounts.Name name) {
    return find(name.model(), name.version()).isPresent();
  }

  @Override
  public void repositoryIndex(
      RepositoryIndexRequest request, StreamObserver<RepositoryIndexResponse> observer) {
    replies.unary(
        observer,
        () -> {
          if (!request.getRepositoryName().isEmpty()) {
            throw new MeshException(
                Fault.NOT_IMPLEMENTED, "'repository_name' specification is not supported");
          }
          RepositoryIndexResponse.Builder response = RepositoryIndexResponse.newBuilder();
          states().stream()
              .filter(state -> state.ready() || !request.getReady())
              .map(ModelMessages::index)
              .forEach(response::addModels);
          return response.build();
        });
  }

  @Override
  public void modelInfer(ModelInferRequest request, StreamObserver<ModelInferResponse> observer) {
    replies.unary(
        observer,
        () -> {
          ServedModel model = require(request.getModelName(), request.getModelVersion());
          if (model.signature().decoupled()) {
            throw new MeshException(
                Fault.NOT_IMPLEMENTED,
                "ModelInfer RPC doesn't support models with decoupled transaction policy");
          }
          return inferences.infer(request, model, InferenceGrpcService::refuseSecondAnswer).build();
        });
  }

  @Override
  public StreamObserver<ModelInferRequest> modelStreamInfer(
      StreamObserver<ModelStreamInferResponse> observer) {
    return replies.bidirectional(observer, WINDOW, this::answer);
  }

  /** Answers one request of a stream; what it throws is an answer too, and the stream goes on. */
  private void answer(ModelInferRequest request, Sink<ModelStreamInferResponse> sink) {
    try {
      ServedModel model = require(request.getModelName(), request.getModelVersion());
      sink.send(
          inStream(
              inferences.infer(request, model, earlier -> sink.send(inStream(earlier, false))),
              true));
    } catch (RuntimeException | Error e) {
      if (Context.current().isCancelled()) {
        throw e; // nobody is there to be told
      }
      StatusMapper.Judgement judgement = mapper.judge(e);
      LOG.atLevel(judgement.level())
          .setCause(judgement.isBug() ? Wordless.of(e) : null)
          .log(
              "request '{}' of a stream: {}",
              Texts.asLine(request.getId(), SHOWN_ID),
              Texts.asLine(String.valueOf(e.getMessage()), SHOWN_MESSAGE));
      String message = judgement.answer().getStatus().getDescription();
      sink.send(
          ModelStreamInferResponse.newBuilder()
              .setErrorMessage(
                  message == null || message.isEmpty()
                      ? judgement.answer().getStatus().getCode().name()
                      : message)
              .setInferResponse(ModelInferResponse.newBuilder().setId(request.getId()))
              .build());
    }
  }

  private static void refuseSecondAnswer(ModelInferResponse.Builder answer) {
    throw new IllegalStateException(
        "%s is not decoupled, and gave an answer before its last".formatted(answer.getModelName()));
  }

  private static ModelStreamInferResponse inStream(
      ModelInferResponse.Builder answer, boolean last) {
    return ModelStreamInferResponse.newBuilder()
        .setInferResponse(
            answer.putParameters(
                FINAL_RESPONSE, InferParameter.newBuilder().setBoolParam(last).build()))
        .build();
  }

  private List<ModelState> states() {
    return shelves.stream().flatMap(shelf -> shelf.states().stream()).toList();
  }

  private List<ModelState> states(String model) {
    return shelves.stream().flatMap(shelf -> shelf.states(model).stream()).toList();
  }

  private Optional<ServedModel> find(String name, String version) {
    return shelves.stream()
        .sorted(Comparator.comparing(shelf -> !shelf.lists(name))) // the others may have to look
        .flatMap(shelf -> shelf.find(name, version).stream())
        .findFirst();
  }

  private ServedModel require(String name, String version) {
    return find(name, version).orElseThrow(() -> unknown(name, version));
  }

  private MeshException unknown(String name, String version) {
    String what =
        states(name).isEmpty()
            ? "'%s' is not found".formatted(name)
            : version.isEmpty()
                ? "'%s' has no alias 'serving', so a version must be named".formatted(name)
                : "'%s' version %s is not found".formatted(name, version);
    return new MeshException(
        Fault.UNKNOWN_MODEL,
        "Request for unknown model: " + what,
        Map.of("model", name, "version", version));
  }

  private static MeshException malformed(String message) {
    return new MeshException(Fault.MALFORMED_REQUEST, message);
  }

  @Override
  public void close() {
    inferences.close();
  }
}
