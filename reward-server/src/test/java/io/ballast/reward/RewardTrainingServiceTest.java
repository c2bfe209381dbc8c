package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.testing.FakeFeedback;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.CancelTrainingRequest;
import io.ballast.reward.v1.FeedbackChoice;
import io.ballast.reward.v1.GetTrainingRequest;
import io.ballast.reward.v1.ListTrainingsRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardTraining;
import io.ballast.reward.v1.RewardTrainingServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.StartTrainingRequest;
import io.ballast.reward.v1.StartTrainingResponse;
import io.ballast.reward.v1.TrainingFact;
import io.ballast.reward.v1.TrainingOptions;
import io.ballast.reward.v1.TrainingPhase;
import io.ballast.reward.v1.TrainingPlan;
import io.ballast.reward.v1.TrainingSplit;
import io.ballast.reward.v1.TrainingState;
import io.ballast.reward.v1.UploadChoice;
import io.ballast.reward.v1.WatchTrainingRequest;
import io.ballast.reward.wiring.RewardModule;
import io.ballast.testing.Await;
import io.ballast.testing.FixedRuntime;
import io.ballast.testing.LeftoverThreads;
import io.ballast.testing.ModuleInProcess;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The server trains what it will serve, on the decoder that comes along, and says what came of it.
 */
class RewardTrainingServiceTest {
  private static final Path SHIPPED = Path.of("../models");

  @TempDir Path data;

  private final FakeFeedback feedback = new FakeFeedback();
  private final LeftoverThreads threads = new LeftoverThreads();
  private Server policy;
  private ManagedChannel policyChannel;
  private ModuleInProcess server;
  private MeterRegistry meters = new SimpleMeterRegistry(); // of the server that started last

  @BeforeEach
  void start() throws IOException {
    String name = InProcessServerBuilder.generateName();
    policy = InProcessServerBuilder.forName(name).addService(feedback).build().start();
    policyChannel = InProcessChannelBuilder.forName(name).build();
    server = startServer(Map.of());
  }

  @AfterEach
  void stop() {
    server.close();
    policyChannel.shutdownNow();
    policy.shutdownNow();
    threads.assertNone();
  }

  private ModuleInProcess startServer(Map<String, String> properties) {
    FixedRuntime runtime =
        new FixedRuntime(Role.REWARD_SERVER, List.of(data.resolve("models"), SHIPPED), data) {
          @Override
          public Channel peer(Role role) {
            assertThat(role).isEqualTo(Role.POLICY_SERVER);
            return policyChannel;
          }
        };
    meters = runtime.meters();
    return ModuleInProcess.start(new RewardModule(TestReward.properties(properties)), runtime);
  }

  private double started() {
    return meters.get("ballast.reward.trainings.started").counter().count();
  }

  private long ended(String state) {
    return meters.get("ballast.reward.trainings.ended").tag("state", state).timer().count();
  }

  @Test
  void anUploadBecomesAVersionThatCanBeAskedAtOnceAndNoAliasMoves() {
    RewardTraining begun = start("k", upload("taste"), pairs(120)).getTraining();
    assertThat(begun.getState()).isEqualTo(TrainingState.TRAINING_STATE_RUNNING);

    List<RewardTraining> seen = watch(begun.getTrainingId());

    RewardTraining ended = seen.getLast();
    assertThat(ended.getState()).as("%s", ended).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(seen.getFirst().getStartTime()).isEqualTo(begun.getStartTime());
    assertThat(ended.getProgress().getPhase()).isEqualTo(TrainingPhase.TRAINING_PHASE_PUBLISHING);
    assertThat(ended.getResult().getMembersList()).hasSize(2);
    assertThat(ended.getResult().getEnsemble().getValuesMap())
        .containsKey("cautious_within_prompt_accuracy");
    assertThat(facts(ended))
        .contains("judgements: 120 pairs and 0 graded completions, 240 completions of 120 prompts");
    assertThat(ended.getCommand())
        .isEqualTo(
            "./mesh reward train pairs.jsonl --name taste/1 --trunk java-tiny/1 --members 2 --head layered"
                + " --label-smoothing 0.0 --flip 0.0 --split-by prompt --held-out 10"
                + " --max-prompt-tokens 96 --epochs 2 --seed 1");

    ScoreResponse trained = score(ModelSelector.newBuilder().setModel("taste").setVersion("1"));
    assertThat(trained.getResults(0).hasValue()).isTrue();
    assertThat(trained.getModelVersion()).isEqualTo(ended.getResult().getModelVersion());
    assertThat(score(ModelSelector.newBuilder()).getModelVersion().getModel())
        .as("serving of the default")
        .isEqualTo("java-reward");
    assertThat(data.resolve("reward-trainings/uploads")).isEmptyDirectory();
    assertThat(data.resolve("reward-trainings/work")).doesNotExist();
    assertThat(started()).isEqualTo(1);
    assertThat(ended("succeeded")).isEqualTo(1);
    assertThat(ended("failed") + ended("cancelled") + ended("interrupted")).isZero();
  }

  @Test
  void aNewerVersionServesOnlyAfterARestart() {
    ModelSelector.Builder taste = ModelSelector.newBuilder().setModel("taste");
    ended(start("k1", upload("taste"), pairs(120)).getTraining());
    assertThat(score(taste).getModelVersion().getVersion()).isEqualTo("1");

    assertThat(ended(start("k2", upload("taste"), pairs(121)).getTraining()).getVersion())
        .isEqualTo("2");
    assertThat(score(taste.clone().setVersion("2")).getModelVersion().getVersion()).isEqualTo("2");
    assertThat(score(taste).getModelVersion().getVersion()).as("serving").isEqualTo("1");

    server.close();
    server = startServer(Map.of());
    assertThat(score(taste).getModelVersion().getVersion()).isEqualTo("2");
  }

  @Test
  void theMeshsFeedbackBecomesAVersion() {
    feedback.liked(100);
    TrainingPlan plan =
        plan("liked/7")
            .setOptions(options().setSplit(TrainingSplit.TRAINING_SPLIT_TIME))
            .setFeedback(
                FeedbackChoice.newBuilder()
                    .setSinceTime(Timestamp.newBuilder().setSeconds(1_700_000_000L))
                    .setSuggestionsPerUser(1_000))
            .build();

    RewardTraining ended = ended(start("k", plan, "").getTraining());

    assertThat(ended.getState()).as("%s", ended).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(feedback.asked.getSinceTime().getSeconds()).isEqualTo(1_700_000_000L);
    assertThat(feedback.asked.getMetadata().getTenant()).isEqualTo("default");
    assertThat(facts(ended))
        .contains(
            "feedback: 200 events; 200 suggestions of 1 users, at most 1,000 of one",
            "loss: likelihood of the grades",
            "prompts, split by time: 80 to train, 10 to stop and calibrate, 10 to measure");
    assertThat(
            score(ModelSelector.newBuilder().setModel("liked").setVersion("7"))
                .getResults(0)
                .hasValue())
        .isTrue();
  }

  @Test
  void oneRunsAtATimeAndOneThatIsCancelledLeavesNoVersion() {
    RewardTraining first = startEndless("first");

    assertThatThrownBy(() -> start("other", upload("second"), pairs(120)))
        .hasMessage(
            "RESOURCE_EXHAUSTED: training %s of first/1 runs; one runs at a time: wait for it or"
                    .formatted(first.getTrainingId())
                + " cancel it");

    RewardTraining cancelled =
        stub()
            .cancelTraining(
                CancelTrainingRequest.newBuilder().setTrainingId(first.getTrainingId()).build())
            .getTraining();
    assertThat(cancelled.getState()).isEqualTo(TrainingState.TRAINING_STATE_CANCELLED);
    assertThat(cancelled.getFailure().getReason()).isEqualTo("CANCELLED");
    assertThat(cancelled.hasEndTime()).isTrue();
    assertThat(data.resolve("models/first")).doesNotExist();
    assertThat(
            stub()
                .cancelTraining(
                    CancelTrainingRequest.newBuilder().setTrainingId(first.getTrainingId()).build())
                .getTraining())
        .as("again: nothing happens")
        .isEqualTo(cancelled);

    assertThat(ended(start("other", upload("second"), pairs(120)).getTraining()).getState())
        .isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(stub().listTrainings(ListTrainingsRequest.getDefaultInstance()).getTrainingsList())
        .extracting(RewardTraining::getModel)
        .containsExactly("second", "first");
  }

  @Test
  void aCancelEndsATrainingThatReadsTexts() {
    RewardTraining begun = start("k", upload("long"), pairs(20_000)).getTraining();
    RewardTraining cancelled =
        stub()
            .cancelTraining(
                CancelTrainingRequest.newBuilder().setTrainingId(begun.getTrainingId()).build())
            .getTraining();
    assertThat(cancelled.getState()).isEqualTo(TrainingState.TRAINING_STATE_CANCELLED);
    assertThat(data.resolve("models/long")).doesNotExist();
  }

  @Test
  void theSameKeyStartsOneTraining() {
    StartTrainingResponse first = start("k", upload("taste"), pairs(120));
    StartTrainingResponse again = start("k", upload("taste"), pairs(120));
    assertThat(again.getDuplicate()).isTrue();
    assertThat(again.getTraining().getTrainingId()).isEqualTo(first.getTraining().getTrainingId());
    assertThatThrownBy(() -> start("k", upload("taste"), pairs(121)))
        .hasMessage(
            "INVALID_ARGUMENT: metadata.idempotency_key: 'k' was used for another training");
    assertThatThrownBy(() -> start("", upload("taste"), pairs(120)))
        .hasMessageStartingWith("INVALID_ARGUMENT: metadata.idempotency_key: empty");
    assertThat(ended(first.getTraining()).getState())
        .isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(start("k", upload("taste"), pairs(120)).getTraining().getState())
        .as("long after it has ended")
        .isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
  }

  @Test
  void badRowsAreNamedWithTheirNumbersOrLeftOutAndCounted() throws Exception {
    String rows = pairs(120) + "{\"prompt\": \"p\", \"chosen\": \"a\"}\nno JSON\n";

    assertThatThrownBy(() -> start("k", upload("taste"), rows))
        .hasMessageStartingWith(
            "INVALID_ARGUMENT: pairs.jsonl: 2 bad rows: row 121: rejected: missing (expected: a"
                + " text or messages); row 122: column ")
        .satisfies(
            thrown ->
                assertThat(info(thrown).getMetadataMap())
                    .containsEntry("bad_rows_count", "2")
                    .containsEntry(
                        "rows[121]", "rejected: missing (expected: a text or messages)"));
    assertThat(stub().listTrainings(ListTrainingsRequest.getDefaultInstance()).getTrainingsList())
        .isEmpty();

    RewardTraining ended =
        ended(
            start("k", upload("taste").toBuilder().setSkipBadRows(true).build(), rows)
                .getTraining());
    assertThat(ended.getState()).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(ended.getBadRowCount()).isEqualTo(2);
    assertThat(ended.getBadRows(0).getRow()).isEqualTo(121);
  }

  @Test
  void whatCannotBeIsRefusedBeforeAnythingIsBegun() {
    assertRefused("ALREADY_EXISTS: java-reward/1 is there already", upload("java-reward/1"));
    assertRefused("INVALID_ARGUMENT: plan.name: name: \"..\"", upload("../x"));
    assertRefused(
        "NOT_FOUND: plan.trunk: 'nobody': there is no such decoder",
        upload("taste").toBuilder().setTrunk("nobody").build());
    assertRefused(
        "NOT_FOUND: plan.trunk: 'java-reward': no decoder",
        upload("taste").toBuilder().setTrunk("java-reward").build());
    assertRefused(
        "INVALID_ARGUMENT: plan.options: members: 65 (expected: 1 to 64)",
        upload("taste").toBuilder().setOptions(options().setMembersCount(65)).build());
    assertRefused(
        "INVALID_ARGUMENT: plan.options.max_epochs: 0",
        upload("taste").toBuilder().setOptions(options().setMaxEpochs(0)).build());
    assertRefused("INVALID_ARGUMENT: plan.source: missing", plan("taste").build());
    assertRefused(
        "INVALID_ARGUMENT: plan.upload.file_name",
        plan("taste").setUpload(UploadChoice.newBuilder().setFileName("a/b")).build());
    assertRefused(
        "INVALID_ARGUMENT: plan.feedback.max_suggestions: 50,001, limit 50,000",
        plan("taste").setFeedback(FeedbackChoice.newBuilder().setMaxSuggestions(50_001)).build());
    assertThatThrownBy(() -> startMessages(List.of()))
        .hasMessageStartingWith("INVALID_ARGUMENT: plan: missing");
    assertThat(data.resolve("reward-trainings"))
        .satisfiesAnyOf(
            folder -> assertThat(folder).doesNotExist(),
            folder ->
                assertThat(Files.list(folder).filter(f -> f.toString().endsWith(".training")))
                    .isEmpty());
  }

  @Test
  void moreThanTheServerTakesIsRefused() {
    server.close();
    server =
        startServer(
            Map.of(
                "ballast.reward.training.max-judgements", "100",
                "ballast.reward.training.max-upload-bytes", "10000"));
    assertRefused("INVALID_ARGUMENT: file: more than 10,000 bytes", upload("taste"), pairs(300));
    assertRefused(
        "INVALID_ARGUMENT: pairs.jsonl: row 101: more than 100 judgements",
        upload("taste"),
        pairs(101));
  }

  @Test
  void anUploaderWhoLeavesStartsNothing() {
    StreamObserver<StartTrainingRequest> requests = async().startTraining(new Answer());
    requests.onNext(first("k", upload("taste")));
    requests.onNext(bytes(pairs(50)));
    requests.onError(Status.CANCELLED.asRuntimeException());

    assertThat(ended(start("k2", upload("taste"), pairs(120)).getTraining()).getState())
        .isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(stub().listTrainings(ListTrainingsRequest.getDefaultInstance()).getTrainingsList())
        .hasSize(1);
  }

  @Test
  void whatCannotBeTrainedOrReadOrWrittenFailsAndLeavesNoVersion() throws Exception {
    RewardTraining little = ended(start("little", upload("taste"), pairs(1)).getTraining());
    assertThat(little.getState()).isEqualTo(TrainingState.TRAINING_STATE_FAILED);
    assertThat(little.getFailure().getReason()).isEqualTo("UNUSABLE_DATA");
    assertThat(little.getFailure().getMessage()).contains("part: no pairs (expected: judgements");

    Path models = data.resolve("models");
    feedback.liked(100);
    feedback.beforeEnd = // the folder is gone while it trains
        () -> {
          try {
            ModelStore.deleteAll(models);
            Files.writeString(models, "a file where a folder should be");
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        };
    RewardTraining full =
        ended(
            start(
                    "full",
                    plan("taste").setFeedback(FeedbackChoice.getDefaultInstance()).build(),
                    "")
                .getTraining());
    assertThat(full.getState()).isEqualTo(TrainingState.TRAINING_STATE_FAILED);
    assertThat(full.getFailure().getReason()).isEqualTo("STORAGE_FAILED");
    assertThat(full.getFailure().getMessage())
        .startsWith("the version cannot be written: ")
        .doesNotContain(data.toString());
    Files.delete(models);

    policy.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    RewardTraining away =
        ended(
            start(
                    "away",
                    plan("taste").setFeedback(FeedbackChoice.getDefaultInstance()).build(),
                    "")
                .getTraining());
    assertThat(away.getState()).isEqualTo(TrainingState.TRAINING_STATE_FAILED);
    assertThat(away.getFailure().getReason()).isEqualTo("DEPENDENCY_DOWN");
    assertThat(ended("failed")).isEqualTo(3);
    assertThatThrownBy(() -> score(ModelSelector.newBuilder().setModel("taste").setVersion("1")))
        .hasMessageStartingWith("NOT_FOUND");
  }

  @Test
  void aTrainingThatAStopInterruptsIsNeverTakenForDone() throws Exception {
    RewardTraining begun = startEndless("taste");
    Path record = data.resolve("reward-trainings/" + begun.getTrainingId() + ".training");
    byte[] running = Files.readAllBytes(record);
    server.close();
    server = startServer(Map.of());
    assertThat(get(begun, "").getState()).isEqualTo(TrainingState.TRAINING_STATE_INTERRUPTED);

    server.close();
    Files.write(record, running); // as kill -9 leaves it
    Files.write(record.resolveSibling("0.training"), new byte[] {1, 2, 3}); // and a broken one
    server = startServer(Map.of());
    RewardTraining found = get(begun, "");
    assertThat(found.getState()).isEqualTo(TrainingState.TRAINING_STATE_INTERRUPTED);
    assertThat(found.getFailure().getMessage()).contains("the server stopped; there is no version");
    assertThat(found.hasEndTime()).isTrue();
    assertThat(data.resolve("models/taste")).doesNotExist();

    feedback.endless = false;
    feedback.liked(100);
    RewardTraining again =
        start("again", plan("taste").setFeedback(FeedbackChoice.getDefaultInstance()).build(), "")
            .getTraining();
    assertThat(ended(again).getState()).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
  }

  @Test
  void aVersionThatWasPublishedWhenTheProcessWasKilledIsDone() throws Exception {
    feedback.liked(100);
    Path[] record = new Path[1];
    byte[][] running = new byte[1][];
    feedback.beforeEnd =
        () -> {
          try (Stream<Path> files = Files.list(data.resolve("reward-trainings"))) {
            record[0] =
                files.filter(f -> f.toString().endsWith(".training")).findFirst().orElseThrow();
            running[0] = Files.readAllBytes(record[0]);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        };
    RewardTraining done =
        ended(
            start("k", plan("taste").setFeedback(FeedbackChoice.getDefaultInstance()).build(), "")
                .getTraining());
    assertThat(done.getState()).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);

    server.close();
    Files.write(record[0], running[0]); // as kill -9 leaves it between publishing and its record
    server = startServer(Map.of());
    RewardTraining found = get(done, "");
    assertThat(found.getState()).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(found.getResult().getModelVersion()).isEqualTo(done.getResult().getModelVersion());
    assertThat(found.getResult().getMembersList()).isEqualTo(done.getResult().getMembersList());
    assertThat(found.getResult().getEnsemble()).isEqualTo(done.getResult().getEnsemble());
    assertThat(facts(found)).contains("loss: likelihood of the grades");
    assertThat(found.getProgress().getPhase()).isEqualTo(TrainingPhase.TRAINING_PHASE_PUBLISHING);
    assertThat(ended("succeeded")).isEqualTo(1);
    assertThat(get(done, "")).as("and it is kept").isEqualTo(found);

    server.close();
    Files.write(record[0], running[0]);
    Path folder = data.resolve("models/taste/1");
    ModelManifest.write(folder, Map.of("training_id", "another training's"));
    server = startServer(Map.of());
    assertThat(get(done, "").getState())
        .as("a version of the same name that another training made")
        .isEqualTo(TrainingState.TRAINING_STATE_INTERRUPTED);
    assertThat(ended("interrupted")).isEqualTo(1);
  }

  @Test
  void aServerThatCannotPublishSaysSoBeforeAnythingIsUploaded() throws Exception {
    Files.writeString(data.resolve("models"), "a file where a folder should be");
    Answer answer = new Answer();
    async().startTraining(answer).onNext(first("k", upload("taste")));

    assertThatThrownBy(answer::join)
        .hasMessageStartingWith(
            "FAILED_PRECONDITION: this server's folder of models cannot be written (")
        .satisfies(thrown -> assertThat(info(thrown).getReason()).isEqualTo("PRECONDITION_FAILED"));
    assertThat(data.resolve("reward-trainings/uploads")).doesNotExist();
    assertThat(started()).isZero();
  }

  @Test
  void oneFileComesAtATime() throws Exception {
    Answer answer = new Answer();
    StreamObserver<StartTrainingRequest> requests = async().startTraining(answer);
    requests.onNext(first("k1", upload("first")));
    Path uploads = data.resolve("reward-trainings/uploads");
    Await.until(() -> Files.isDirectory(uploads) && !isEmpty(uploads));

    assertThatThrownBy(() -> start("k2", upload("second"), pairs(120)))
        .hasMessage(
            "RESOURCE_EXHAUSTED: another file of judgements is coming; one at a time: try again")
        .satisfies(
            thrown ->
                assertThat(
                        Objects.requireNonNull(StatusProto.fromThrowable(thrown)).getDetailsList())
                    .anyMatch(detail -> detail.is(RetryInfo.class)));

    requests.onNext(bytes(pairs(120)));
    requests.onCompleted();
    assertThat(ended(answer.join().getTraining()).getState())
        .isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
    assertThat(ended(start("k2", upload("second"), pairs(120)).getTraining()).getState())
        .isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
  }

  private static boolean isEmpty(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.findAny().isEmpty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void whoBeginsAFileAndSendsNothingMoreIsGivenUp() {
    server.close();
    server = startServer(Map.of("ballast.reward.training.upload-patience", "PT0.2S"));
    Answer answer = new Answer();
    async().startTraining(answer).onNext(first("k1", upload("first")));

    assertThatThrownBy(answer::join).hasMessage("UNAVAILABLE: nothing more came for 200 ms");
    assertThat(ended(start("k2", upload("second"), pairs(120)).getTraining()).getState())
        .isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
  }

  @Test
  void aTrainingOfAnotherTenantDoesNotExist() {
    RewardTraining begun = start("k", upload("taste"), pairs(120)).getTraining();
    assertThatThrownBy(() -> get(begun, "other"))
        .hasMessage("NOT_FOUND: no training " + begun.getTrainingId());
    assertThat(
            stub()
                .listTrainings(
                    ListTrainingsRequest.newBuilder()
                        .setMetadata(RequestMetadata.newBuilder().setTenant("other"))
                        .build())
                .getTrainingsList())
        .isEmpty();
    assertThatThrownBy(
            () -> stub().getTraining(GetTrainingRequest.newBuilder().setTrainingId("7").build()))
        .hasMessage("INVALID_ARGUMENT: training_id: 1 characters (expected: a UUID)");
    assertThat(ended(begun).getState()).isEqualTo(TrainingState.TRAINING_STATE_SUCCEEDED);
  }

  private RewardTraining startEndless(String name) {
    feedback.endless = true;
    return start(
            "endless-" + name,
            plan(name).setFeedback(FeedbackChoice.getDefaultInstance()).build(),
            "")
        .getTraining();
  }

  private void assertRefused(String message, TrainingPlan plan) {
    assertRefused(message, plan, plan.hasFeedback() ? "" : pairs(120));
  }

  private void assertRefused(String message, TrainingPlan plan, String rows) {
    assertThatThrownBy(() -> start("k", plan, rows)).hasMessageStartingWith(message);
  }

  private static TrainingOptions.Builder options() {
    return TrainingOptions.newBuilder().setMembersCount(2).setMaxEpochs(2);
  }

  private static TrainingPlan.Builder plan(String name) {
    return TrainingPlan.newBuilder().setName(name).setOptions(options());
  }

  private static TrainingPlan upload(String name) {
    return plan(name).setUpload(UploadChoice.newBuilder().setFileName("pairs.jsonl")).build();
  }

  private static String pairs(int count) {
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < count; i++) {
      rows.append(
          "{\"prompt\": \"int a%d = \", \"chosen\": \"%d;\", \"rejected\": \"%d,\"}\n"
              .formatted(i, i, i));
    }
    return rows.toString();
  }

  private static StartTrainingRequest first(String key, TrainingPlan plan) {
    return StartTrainingRequest.newBuilder()
        .setMetadata(RequestMetadata.newBuilder().setIdempotencyKey(key))
        .setPlan(plan)
        .build();
  }

  private static StartTrainingRequest bytes(String text) {
    return StartTrainingRequest.newBuilder()
        .setFileBytes(ByteString.copyFrom(text, StandardCharsets.UTF_8))
        .build();
  }

  /** Starts a training, its file in pieces that end anywhere. */
  private StartTrainingResponse start(String key, TrainingPlan plan, String rows) {
    Stream<StartTrainingRequest> pieces =
        rows.isEmpty()
            ? Stream.empty()
            : Stream.of(
                bytes(rows.substring(0, rows.length() / 3)),
                bytes(rows.substring(rows.length() / 3)));
    return startMessages(Stream.concat(Stream.of(first(key, plan)), pieces).toList());
  }

  private StartTrainingResponse startMessages(List<StartTrainingRequest> messages) {
    Answer answer = new Answer();
    StreamObserver<StartTrainingRequest> requests = async().startTraining(answer);
    messages.forEach(requests::onNext);
    requests.onCompleted();
    return answer.join();
  }

  private static final class Answer implements StreamObserver<StartTrainingResponse> {
    private final CompletableFuture<StartTrainingResponse> answer = new CompletableFuture<>();

    @Override
    public void onNext(StartTrainingResponse response) {
      answer.complete(response);
    }

    @Override
    public void onError(Throwable error) {
      answer.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {}

    StartTrainingResponse join() {
      try {
        return answer.orTimeout(120, TimeUnit.SECONDS).join();
      } catch (CompletionException e) {
        throw e.getCause() instanceof StatusRuntimeException status ? status : e;
      }
    }
  }

  private RewardTraining ended(RewardTraining begun) {
    return watch(begun.getTrainingId()).getLast();
  }

  private List<RewardTraining> watch(String id) {
    List<RewardTraining> seen = new ArrayList<>();
    stub()
        .withDeadlineAfter(120, TimeUnit.SECONDS)
        .watchTraining(WatchTrainingRequest.newBuilder().setTrainingId(id).build())
        .forEachRemaining(each -> seen.add(each.getTraining()));
    return seen;
  }

  private RewardTraining get(RewardTraining training, String tenant) {
    return stub()
        .getTraining(
            GetTrainingRequest.newBuilder()
                .setMetadata(RequestMetadata.newBuilder().setTenant(tenant))
                .setTrainingId(training.getTrainingId())
                .build())
        .getTraining();
  }

  private static List<String> facts(RewardTraining training) {
    return training.getResult().getFactsList().stream()
        .map((TrainingFact fact) -> fact.getName() + ": " + fact.getValue())
        .toList();
  }

  private ScoreResponse score(ModelSelector.Builder model) {
    return RewardServiceGrpc.newBlockingStub(server.channel())
        .score(
            ScoreRequest.newBuilder()
                .setRewardModel(model)
                .addItems(TestReward.item("x", "int a = ", "1;"))
                .build());
  }

  private RewardTrainingServiceGrpc.RewardTrainingServiceBlockingStub stub() {
    return RewardTrainingServiceGrpc.newBlockingStub(server.channel());
  }

  private RewardTrainingServiceGrpc.RewardTrainingServiceStub async() {
    return RewardTrainingServiceGrpc.newStub(server.channel());
  }

  private static ErrorInfo info(Throwable thrown) {
    try {
      for (Any detail :
          Objects.requireNonNull(StatusProto.fromThrowable(thrown)).getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          return detail.unpack(ErrorInfo.class);
        }
      }
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    }
    throw new AssertionError("no ErrorInfo");
  }
}
