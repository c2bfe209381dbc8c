package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.google.protobuf.ByteString;
import io.ballast.kit.grpc.MeshServer;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.kit.kserve.grpc.InferenceGrpcService;
import io.ballast.kit.kserve.grpc.Inferences;
import io.ballast.kit.runtime.Role;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc;
import io.ballast.kserve.v2.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import io.ballast.kserve.v2.InferTensorContents;
import io.ballast.kserve.v2.ModelConfigRequest;
import io.ballast.kserve.v2.ModelInferRequest;
import io.ballast.kserve.v2.ModelInferRequest.InferInputTensor;
import io.ballast.kserve.v2.ModelMetadataRequest;
import io.ballast.kserve.v2.ModelReadyRequest;
import io.ballast.kserve.v2.ModelStatistics;
import io.ballast.kserve.v2.ModelStatisticsRequest;
import io.ballast.kserve.v2.ModelStreamInferResponse;
import io.ballast.kserve.v2.RepositoryIndexRequest;
import io.ballast.kserve.v2.RepositoryIndexResponse.ModelIndex;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.testing.FakeFeedback;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.CancelTrainingRequest;
import io.ballast.reward.v1.CandidatePool;
import io.ballast.reward.v1.CompareRequest;
import io.ballast.reward.v1.EstimateBestOfNRequest;
import io.ballast.reward.v1.FeedbackChoice;
import io.ballast.reward.v1.GetGoldenScoresRequest;
import io.ballast.reward.v1.GetTrainingRequest;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.ListTrainingsRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.RewardTrainingServiceGrpc;
import io.ballast.reward.v1.RewardTrainingServiceGrpc.RewardTrainingServiceBlockingStub;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.ballast.reward.v1.StartTrainingRequest;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.reward.v1.TrainingState;
import io.ballast.reward.v1.WatchTrainingRequest;
import io.ballast.reward.wiring.RewardModule;
import io.ballast.testing.FixedRuntime;
import io.ballast.testing.TestCallers;
import io.grpc.BindableService;
import io.grpc.Channel;
import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a tenant trains is there for that tenant, before and after a restart, and for no other. */
class RewardTenantsTest {
  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
  private static final Path SHIPPED = Path.of("../models");
  private static final String ANY = "*";

  @TempDir private Path data;
  private final FakeFeedback feedback = new FakeFeedback();
  private Server policy;
  private ManagedChannel policyChannel;
  private TestCallers callers;
  private Running server;
  private int trainings;

  /** A server behind a door where callers are asked who they are. */
  private final class Running implements AutoCloseable {
    private final FixedRuntime runtime =
        new FixedRuntime(Role.REWARD_SERVER, List.of(data.resolve("models"), SHIPPED), data) {
          @Override
          public Channel peer(Role role) {
            assertThat(role).isEqualTo(Role.POLICY_SERVER);
            return policyChannel;
          }
        };
    private final RewardModule module = new RewardModule(TestReward.properties(Map.of()));
    private final VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("reward-server"), 16);
    private final InferenceGrpcService kserve;
    private final MeshServer door;

    private Running() {
      List<BindableService> services = new ArrayList<>(module.start(runtime));
      kserve =
          new InferenceGrpcService(
              module.models(),
              replies,
              new StatusMapper("reward-server"),
              () -> true,
              new Inferences(InstantSource.fixed(NOW), System::nanoTime));
      services.add(kserve);
      door = callers.serve(services, runtime.meters());
    }

    @Override
    public void close() {
      door.close();
      kserve.close();
      replies.close();
      module.close();
      runtime.close();
    }
  }

  @BeforeEach
  void serve() throws IOException {
    String name = InProcessServerBuilder.generateName();
    policy = InProcessServerBuilder.forName(name).addService(feedback).build().start();
    policyChannel = InProcessChannelBuilder.forName(name).build();
    callers = new TestCallers(data);
    server = new Running();
  }

  @AfterEach
  void stop() {
    server.close();
    callers.close();
    policyChannel.shutdownNow();
    policy.shutdownNow();
  }

  private void restart() {
    server.close();
    server = new Running();
  }

  private ClientInterceptor as(String tenant) {
    return callers.as("t", tenant, "trainer");
  }

  private RewardServiceBlockingStub of(String tenant) {
    return RewardServiceGrpc.newBlockingStub(server.door.inside()).withInterceptors(as(tenant));
  }

  private GRPCInferenceServiceBlockingStub kserve(String tenant) {
    return GRPCInferenceServiceGrpc.newBlockingStub(server.door.inside())
        .withInterceptors(as(tenant));
  }

  /** Starts a training as somebody who is bound to {@code bound}, on behalf of {@code named}. */
  private RewardTraining start(String bound, String named, TrainingPlan plan, String rows) {
    trainings++;
    RequestMetadata metadata =
        RequestMetadata.newBuilder().setTenant(named).setIdempotencyKey("k" + trainings).build();
    TrainingServerCase.Answer answer = new TrainingServerCase.Answer();
    StreamObserver<StartTrainingRequest> requests =
        RewardTrainingServiceGrpc.newStub(server.door.inside())
            .withInterceptors(as(bound))
            .startTraining(answer);
    requests.onNext(StartTrainingRequest.newBuilder().setMetadata(metadata).setPlan(plan).build());
    if (!rows.isEmpty()) {
      requests.onNext(TrainingServerCase.bytes(rows));
    }
    requests.onCompleted();
    return answer.join().getTraining();
  }

  /** Trains as somebody who is bound to {@code bound}, on behalf of {@code named}, and waits. */
  private RewardTraining train(String bound, String named, String name) {
    RewardTraining[] last = {
      start(bound, named, TrainingServerCase.upload(name), TrainingServerCase.pairs(120))
    };
    RewardTrainingServiceGrpc.newBlockingStub(server.door.inside())
        .withInterceptors(as(bound))
        .withDeadlineAfter(120, TimeUnit.SECONDS)
        .watchTraining(
            WatchTrainingRequest.newBuilder()
                .setMetadata(RequestMetadata.newBuilder().setTenant(named))
                .setTrainingId(last[0].getTrainingId())
                .build())
        .forEachRemaining(each -> last[0] = each.getTraining());
    assertThat(last[0].getState())
        .as("%s", last[0])
        .isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    return last[0];
  }

  private static ScoreRequest by(String model, String version) {
    return ScoreRequest.newBuilder()
        .setRewardModel(ModelSelector.newBuilder().setModel(model).setVersion(version))
        .addItems(TestReward.item("x", "int a = ", "1;"))
        .build();
  }

  private static ScoreRequest byServing(String model) {
    return ScoreRequest.newBuilder()
        .setRewardModel(ModelSelector.newBuilder().setModel(model))
        .addItems(TestReward.item("x", "int a = ", "1;"))
        .build();
  }

  private static String serving(RewardServiceBlockingStub stub, String model) {
    return stub.score(byServing(model)).getModelVersion().getVersion();
  }

  private static List<String> listed(RewardServiceBlockingStub stub) {
    return stub
        .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
        .getEnsemblesList()
        .stream()
        .map(each -> each.getModelVersion().getModel())
        .toList();
  }

  /** What is not theirs is answered as what nobody has: but for the name, with the same words. */
  private static void assertAsIfNobodyHadIt(ThrowingCallable theirs, ThrowingCallable nobodys) {
    assertThatThrownBy(theirs)
        .hasMessageStartingWith("NOT_FOUND: ")
        .extracting(e -> String.valueOf(e.getMessage()).replace("acme-reward", "nobodys"))
        .isEqualTo(message(nobodys));
  }

  private static String message(ThrowingCallable call) {
    return String.valueOf(catchThrowable(call).getMessage());
  }

  private void assertBHasNothingOfIt() {
    RewardServiceBlockingStub b = of("b");
    assertAsIfNobodyHadIt(
        () -> b.score(byServing("acme-reward")), () -> b.score(byServing("nobodys")));
    assertAsIfNobodyHadIt(() -> b.score(by("acme-reward", "1")), () -> b.score(by("nobodys", "1")));
    assertAsIfNobodyHadIt(
        () -> b.compare(compare("acme-reward")), () -> b.compare(compare("nobodys")));
    assertAsIfNobodyHadIt(
        () -> b.getGoldenScores(golden("acme-reward")), () -> b.getGoldenScores(golden("nobodys")));
    assertAsIfNobodyHadIt(
        () -> scoreInStream("b", "acme-reward"), () -> scoreInStream("b", "nobodys"));
    assertAsIfNobodyHadIt(
        () -> b.estimateBestOfN(pool("acme-reward")), () -> b.estimateBestOfN(pool("nobodys")));
    assertBHasNothingOfItOverKserve();
    assertThat(listed(b)).contains("java-reward").doesNotContain("acme-reward");
    assertThat(index("b")).contains("java-reward").doesNotContain("acme-reward");

    RewardServiceBlockingStub forB = of(ANY);
    RequestMetadata named = RequestMetadata.newBuilder().setTenant("b").build();
    assertAsIfNobodyHadIt(
        () -> forB.score(by("acme-reward", "1").toBuilder().setMetadata(named).build()),
        () -> forB.score(by("nobodys", "1").toBuilder().setMetadata(named).build()));
  }

  private void assertBHasNothingOfItOverKserve() {
    GRPCInferenceServiceBlockingStub b = kserve("b");
    assertAsIfNobodyHadIt(
        () -> b.modelMetadata(metadata("acme-reward")), () -> b.modelMetadata(metadata("nobodys")));
    assertAsIfNobodyHadIt(
        () -> b.modelConfig(config("acme-reward")), () -> b.modelConfig(config("nobodys")));
    assertAsIfNobodyHadIt(
        () -> b.modelInfer(inference("acme-reward")), () -> b.modelInfer(inference("nobodys")));
    assertThat(inferredInStream("b", "acme-reward").replace("acme-reward", "nobodys"))
        .startsWith("Request for unknown model: ")
        .isEqualTo(inferredInStream("b", "nobodys"));
    for (String name : List.of("acme-reward", "nobodys")) {
      assertThat(b.modelReady(ModelReadyRequest.newBuilder().setName(name).build()).getReady())
          .isFalse();
      assertThatThrownBy(() -> b.modelStatistics(statistics(name)))
          .hasMessage("INVALID_ARGUMENT: requested model '%s' is not available".formatted(name));
    }
    assertThat(counted("b")).contains("java-reward").doesNotContain("acme-reward");
  }

  private List<String> counted(String tenant) {
    return kserve(tenant)
        .modelStatistics(ModelStatisticsRequest.getDefaultInstance())
        .getModelStatsList()
        .stream()
        .map(ModelStatistics::getName)
        .toList();
  }

  private static ModelStatisticsRequest statistics(String model) {
    return ModelStatisticsRequest.newBuilder().setName(model).build();
  }

  private static ModelConfigRequest config(String model) {
    return ModelConfigRequest.newBuilder().setName(model).build();
  }

  private static ModelInferRequest inference(String model) {
    return ModelInferRequest.newBuilder()
        .setModelName(model)
        .addInputs(text("prompt", "int a = "))
        .addInputs(text("completion", "1;"))
        .build();
  }

  private static InferInputTensor text(String name, String value) {
    return InferInputTensor.newBuilder()
        .setName(name)
        .setDatatype("BYTES")
        .addShape(1)
        .addShape(1)
        .setContents(
            InferTensorContents.newBuilder().addBytesContents(ByteString.copyFromUtf8(value)))
        .build();
  }

  /** The failure that a stream answers a request with. */
  private String inferredInStream(String tenant, String model) {
    Collected<ModelStreamInferResponse> answers = new Collected<>();
    StreamObserver<ModelInferRequest> requests =
        GRPCInferenceServiceGrpc.newStub(server.door.inside())
            .withInterceptors(as(tenant))
            .modelStreamInfer(answers);
    requests.onNext(inference(model));
    requests.onCompleted();
    return answers.join().getFirst().getErrorMessage();
  }

  /** Scores an item in a stream of its own. */
  private void scoreInStream(String tenant, String model) {
    Collected<ScoreStreamResponse> answers = new Collected<>();
    StreamObserver<ScoreStreamRequest> requests =
        RewardServiceGrpc.newStub(server.door.inside())
            .withInterceptors(as(tenant))
            .scoreStream(answers);
    requests.onNext(
        ScoreStreamRequest.newBuilder()
            .setRewardModel(ModelSelector.newBuilder().setModel(model))
            .setItem(TestReward.item("x", "int a = ", "1;"))
            .build());
    requests.onCompleted();
    assertThat(answers.join()).isNotEmpty();
  }

  /** What a stream answers. */
  private static final class Collected<A> implements StreamObserver<A> {
    private final List<A> answers = new CopyOnWriteArrayList<>();
    private final CompletableFuture<List<A>> ended = new CompletableFuture<>();

    @Override
    public void onNext(A answer) {
      answers.add(answer);
    }

    @Override
    public void onError(Throwable error) {
      ended.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      ended.complete(answers);
    }

    List<A> join() {
      try {
        return ended.orTimeout(120, TimeUnit.SECONDS).join();
      } catch (CompletionException e) {
        throw e.getCause() instanceof StatusRuntimeException status ? status : e;
      }
    }
  }

  private static EstimateBestOfNRequest pool(String model) {
    return EstimateBestOfNRequest.newBuilder()
        .setRewardModel(ModelSelector.newBuilder().setModel(model))
        .addPools(
            CandidatePool.newBuilder()
                .setPrompt(TestReward.text("int a = "))
                .addCompletions(TestReward.text("1;"))
                .addGoldRewards(1)
                .addCompletions(TestReward.text("2;"))
                .addGoldRewards(2))
        .build();
  }

  private List<String> index(String tenant) {
    return kserve(tenant)
        .repositoryIndex(RepositoryIndexRequest.getDefaultInstance())
        .getModelsList()
        .stream()
        .map(ModelIndex::getName)
        .toList();
  }

  private static CompareRequest compare(String model) {
    return CompareRequest.newBuilder()
        .setRewardModel(ModelSelector.newBuilder().setModel(model))
        .setPrompt(TestReward.text("int a = "))
        .setCompletionA(TestReward.text("1;"))
        .setCompletionB(TestReward.text("1,"))
        .build();
  }

  private static GetGoldenScoresRequest golden(String model) {
    return GetGoldenScoresRequest.newBuilder()
        .setRewardModel(ModelSelector.newBuilder().setModel(model))
        .build();
  }

  private static ModelMetadataRequest metadata(String model) {
    return ModelMetadataRequest.newBuilder().setName(model).build();
  }

  @Test
  void whatATenantTrainsIsItsOwnAlsoAfterARestart() {
    assertThat(train("a", "", "acme-reward").getVersion()).isEqualTo("1");

    for (int start = 0; start < 2; start++) {
      assertThat(serving(of("a"), "acme-reward")).isEqualTo("1");
      assertThat(serving(of(ANY), "acme-reward")).as("whoever is bound to none").isEqualTo("1");
      assertThat(listed(of("a"))).contains("acme-reward", "java-reward");
      assertThat(index("a")).contains("acme-reward");
      assertThat(kserve("a").modelInfer(inference("acme-reward")).getModelVersion()).isEqualTo("1");
      assertThat(counted("a")).contains("acme-reward");
      assertThat(counted(ANY)).contains("acme-reward");
      assertThat(kserve("a").modelMetadata(metadata("acme-reward")).getVersionsList())
          .containsExactly("1");
      assertBHasNothingOfIt();
      restart();
    }
  }

  @Test
  void aTrainingThatRunsIsNamedToItsOwnTenantOnly() {
    feedback.endless = true;
    RewardTraining runs =
        start(
            "a",
            "",
            TrainingServerCase.plan("merger")
                .setFeedback(FeedbackChoice.getDefaultInstance())
                .build(),
            "");

    assertThatThrownBy(() -> train("b", "", "b-reward"))
        .hasMessage(
            "RESOURCE_EXHAUSTED: a training that is not this tenant's runs; one runs at a time: wait for it")
        .satisfies(
            thrown ->
                assertThat(String.valueOf(StatusProto.fromThrowable(thrown)))
                    .as("what machines are told")
                    .contains("OVERLOADED")
                    .doesNotContain("merger", runs.getTrainingId()));
    assertThatThrownBy(() -> train("a", "", "another"))
        .hasMessage(
            "RESOURCE_EXHAUSTED: training %s of merger/1 runs; one runs at a time: wait for it or cancel it"
                .formatted(runs.getTrainingId()));
  }

  @Test
  void aTenantTrainsUnderNoNameThatIsNotItsOwn() {
    assertThat(train("a", "", "acme-reward").getVersion()).isEqualTo("1");
    for (String taken : List.of("acme-reward", "acme-reward/7", "java-reward", "java-tiny")) {
      assertThatThrownBy(() -> train("b", "", taken))
          .hasMessage(
              "PERMISSION_DENIED: plan.name: '%s' has versions that b did not train (expected: a new name, or one of its own)"
                  .formatted(taken.split("/", 2)[0]));
    }
    assertThat(train("a", "", "acme-reward").getVersion()).isEqualTo("2");
    assertThat(train("b", "", "b-reward").getVersion()).isEqualTo("1");

    restart();
    assertThat(serving(of("a"), "acme-reward")).isEqualTo("2");
    assertThat(serving(of("b"), "b-reward")).isEqualTo("1");
    assertThatThrownBy(() -> train("b", "", "acme-reward"))
        .hasMessageStartingWith("PERMISSION_DENIED: ");
  }

  @Test
  void aTrainingOfAnotherTenantIsAnsweredAsOneThatNobodyStarted() {
    String alices = train("a", "", "acme-reward").getTrainingId();
    String nobodys = new UUID(0x7000, 1).toString();
    RewardTrainingServiceBlockingStub b =
        RewardTrainingServiceGrpc.newBlockingStub(server.door.inside()).withInterceptors(as("b"));
    Map<String, Consumer<String>> byId =
        Map.of(
            "GetTraining",
            id -> b.getTraining(GetTrainingRequest.newBuilder().setTrainingId(id).build()),
            "WatchTraining",
            id ->
                b.watchTraining(WatchTrainingRequest.newBuilder().setTrainingId(id).build()).next(),
            "CancelTraining",
            id -> b.cancelTraining(CancelTrainingRequest.newBuilder().setTrainingId(id).build()));

    assertThat(RewardTrainingServiceGrpc.getServiceDescriptor().getMethods())
        .as("a new RPC belongs in the table, unless it names nothing")
        .extracting(method -> String.valueOf(method.getBareMethodName()))
        .filteredOn(name -> !name.equals("StartTraining") && !name.equals("ListTrainings"))
        .containsExactlyInAnyOrderElementsOf(byId.keySet());
    byId.forEach(
        (rpc, call) ->
            assertThatThrownBy(() -> call.accept(alices))
                .as(rpc)
                .hasMessage("NOT_FOUND: no training " + alices)
                .extracting(e -> String.valueOf(e.getMessage()).replace(alices, nobodys))
                .isEqualTo(message(() -> call.accept(nobodys))));
    assertThat(b.listTrainings(ListTrainingsRequest.getDefaultInstance()).getTrainingsList())
        .isEmpty();
  }

  @Test
  void whoIsBoundToNoTenantTrainsForAllOrForTheOneThatIsNamed() {
    assertThat(train(ANY, "", "house").getVersion()).isEqualTo("1");
    assertThat(serving(of("b"), "house")).as("everybody's").isEqualTo("1");
    assertThat(train(ANY, "a", "house").getVersion()).isEqualTo("2");

    restart();
    assertThat(serving(of("a"), "house")).isEqualTo("2");
    assertThat(serving(of(ANY), "house")).isEqualTo("2");
    assertThat(serving(of("b"), "house")).as("never what another trained").isEqualTo("1");
    assertThatThrownBy(() -> of("b").score(by("house", "2")))
        .hasMessageStartingWith("NOT_FOUND: ")
        .hasMessage(message(() -> of("b").score(by("house", "9"))).replace("'9'", "'2'"));
  }
}
