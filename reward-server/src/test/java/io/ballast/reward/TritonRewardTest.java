package io.ballast.reward;

import static io.ballast.testing.Refusals.fault;
import static io.ballast.testing.Refusals.refusal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.kit.error.Fault;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.kit.kserve.ModelState;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.testing.TinyModel;
import io.ballast.reward.testing.TinyReward;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.testing.Await;
import io.ballast.testing.FakeTriton;
import io.ballast.testing.FakeTriton.Conduct;
import io.ballast.testing.LeftoverThreads;
import io.ballast.testing.ModuleInProcess;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A reward-server whose ensembles run behind Triton, and what it makes of Triton's conduct. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class TritonRewardTest {
  /** {@code int a} and {@code = 1;}: a token for each byte. */
  private static final int PROMPT_TOKENS = 5;

  private static final int COMPLETION_TOKENS = 4;

  @TempDir private static Path here = Path.of(".");
  @TempDir private static Path repository = Path.of(".");
  private static Path entry = Path.of(".");

  @TempDir Path trunkOnly;
  @TempDir Path data;

  private final List<ModuleInProcess> servers = new ArrayList<>();

  @BeforeAll
  static void export() throws IOException {
    TinyReward.writeTo(here);
    Path trunk = here.resolve(TinyModel.NAME).resolve(TinyModel.VERSION);
    entry =
        new TritonExport(repository, ExportOptions.defaults())
            .scoring(
                "there",
                List.of(new Version(7, here.resolve(TinyReward.NAME).resolve("1"))),
                reference -> trunk);
  }

  @AfterEach
  void stop() {
    servers.forEach(ModuleInProcess::close);
    servers.clear();
  }

  @Test
  void theMembersOfTritonScoreOnTheirStoredScalesAndTheAnswerTellsWhoseTheyAre()
      throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      ScoreResponse response = score(start(triton, List.of(here)), TinyReward.NAME);

      assertThat(response.getModelVersion().getModel()).isEqualTo(TinyReward.NAME);
      assertThat(response.getModelVersion().getVersion()).isEqualTo("1");
      assertThat(response.getModelVersion().getWeightsSha256()).isEqualTo(weightsSha256());
      ScoreResult result = response.getResults(0);
      double lowest = Double.POSITIVE_INFINITY;
      for (int k = 0; k < TinyReward.MEMBERS; k++) {
        float raw = FakeTriton.score(k, PROMPT_TOKENS, COMPLETION_TOKENS);
        assertThat(result.getMembers(k).getRawScore()).isCloseTo(raw, within(1e-6));
        assertThat(result.getMembers(k).getNormalisedScore())
            .isCloseTo((raw - k) / (0.5 + k), within(1e-6));
        lowest = Math.min(lowest, result.getMembers(k).getNormalisedScore());
      }
      assertThat(result.getValue()).isEqualTo(lowest);
      assertThat(data.resolve("onnx")).doesNotExist();
    }
  }

  @Test
  void theWeightsNeedNotBeHere() throws IOException {
    copyTrunk();
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward = start(triton, List.of(trunkOnly));

      ScoreResponse response = score(reward, TinyReward.NAME);
      assertThat(response.getResults(0).hasValue()).isTrue();
      assertThat(response.getModelVersion().getWeightsSha256()).isEqualTo(weightsSha256());
      assertThat(
              reward
                  .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
                  .getEnsembles(0)
                  .getHeldOutAccuracy())
          .isEqualTo(0.64);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "PRIORITY_INTERACTIVE, 1",
    "PRIORITY_TRAINER, 2",
    "PRIORITY_BATCH, 3",
  })
  void theLaneIsTritonsPriority(Priority lane, long priority) throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      var unused =
          start(triton, List.of(here))
              .score(
                  request(TinyReward.NAME)
                      .setMetadata(RequestMetadata.newBuilder().setPriority(lane))
                      .build());

      assertThat(triton.priorities()).containsExactly(priority);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "NOT_A_NUMBER | scores[1]: NaN (expected: finite)",
        "RAISES | ValueError: no",
        "WRONG_SHAPE | scores",
      })
  void whatTritonMakesOfACompletionFailsTheItem(Conduct conduct, String says) throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward = start(triton, List.of(here));
      triton.conduct(conduct);

      ScoreResult result = score(reward, TinyReward.NAME).getResults(0);

      assertThat(result.hasValue()).isFalse();
      assertThat(result.getFailure().getReason().name()).endsWith("MODEL_ERROR");
      assertThat(result.getFailure().getMessage()).contains(says);
      triton.conduct(Conduct.ANSWERS);
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "FULL, OVERLOADED",
    "FORBIDDEN, DEPENDENCY_BROKEN",
    "UNSUPPORTED, DEPENDENCY_BROKEN",
    "FAILS, DEPENDENCY_BROKEN",
  })
  void whatConcernsEverybodyFailsTheCall(Conduct conduct, Fault expected) throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward = start(triton, List.of(here));
      triton.conduct(conduct);

      assertThat(fault(() -> score(reward, TinyReward.NAME))).isEqualTo(expected);
    }
  }

  @Test
  void aTritonThatHangsIsAwayAfterItsTimeoutAndThenForTheBreaker() throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward =
          start(triton, List.of(here), Map.of("triton.timeout", "PT0.05S"));
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
      triton.conduct(Conduct.SILENT);
      for (int i = 0; i < 8; i++) {
        assertThat(fault(() -> score(reward, TinyReward.NAME))).isEqualTo(Fault.DEPENDENCY_DOWN);
      }
      int asked = triton.priorities().size();

      StatusRuntimeException refused = refusal(() -> score(reward, TinyReward.NAME));

      assertThat(refused).hasMessageContaining("triton:tiny-reward/1: breaker open");
      assertThat(triton.priorities()).hasSize(asked);
    }
  }

  @Test
  void whoLeavesCancelsItsRequestThereWhichIsNoEvidenceAgainstTriton() throws Exception {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward =
          start(triton, List.of(here), Map.of("triton.timeout", "PT1H"));
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
      triton.conduct(Conduct.SILENT);

      for (int i = 0; i < 8; i++) {
        RewardServiceBlockingStub hasty = reward.withDeadlineAfter(100, TimeUnit.MILLISECONDS);
        var unused = catchThrowable(() -> score(hasty, TinyReward.NAME));
        triton.awaitLeft(); // at the caller's deadline, not after the hour that Triton may take
      }

      triton.conduct(Conduct.ANSWERS);
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue())
          .as("the breaker is closed")
          .isTrue();
    }
  }

  @Test
  void whatIsKnownIsAnsweredWhileTritonIsAway() throws IOException {
    FakeTriton gone = FakeTriton.start(entry);
    RewardServiceBlockingStub reward = start(gone, List.of(here), Map.of("cache-bytes", "100000"));
    double known = score(reward, TinyReward.NAME).getResults(0).getValue();

    gone.close();

    ScoreResult again = score(reward, TinyReward.NAME).getResults(0);
    assertThat(again.getFromCache()).isTrue();
    assertThat(again.getValue()).isEqualTo(known);
  }

  @Test
  void aTritonThatDiesIsNamedAndOneThatComesBackIsAsked() throws IOException {
    FakeTriton first = FakeTriton.start(entry);
    int port = first.port();
    RewardServiceBlockingStub reward = start(first, List.of(here));
    assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
    assertThat(flaws()).isEmpty();

    first.close();

    assertThat(fault(() -> score(reward, TinyReward.NAME))).isEqualTo(Fault.DEPENDENCY_DOWN);
    Await.until(() -> flaws().containsKey("tiny-reward 1"));
    assertThat(states())
        .singleElement()
        .satisfies(state -> assertThat(state.ready()).isFalse())
        .satisfies(state -> assertThat(state.reason()).contains("127.0.0.1:" + port));

    try (FakeTriton second = FakeTriton.startAt(port, entry)) {
      Await.until(() -> flaws().isEmpty());
      Await.until(() -> answers(reward));
      assertThat(second.priorities()).isNotEmpty();
    }
  }

  @Test
  void aTritonThatIsAwayAtTheStartStopsNothing() throws IOException {
    FakeTriton gone = FakeTriton.start(entry);
    int port = gone.port();
    gone.close();
    RewardServiceBlockingStub reward = start(gone, List.of(here));

    assertThat(flaws()).containsKey("tiny-reward 1");
    assertThat(fault(() -> score(reward, TinyReward.NAME))).isEqualTo(Fault.DEPENDENCY_DOWN);
    assertThat(
            reward
                .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
                .getEnsembles(0)
                .getModelVersion()
                .getWeightsSha256())
        .isEqualTo(weightsSha256()); // the folder tells

    try (FakeTriton now = FakeTriton.startAt(port, entry)) {
      Await.until(() -> flaws().isEmpty());
      Await.until(() -> answers(reward));
      assertThat(now.priorities()).isNotEmpty();
    }
  }

  @Test
  void withoutAFolderNobodyKnowsWhatATritonThatIsAwayHas() throws IOException {
    copyTrunk();
    FakeTriton gone = FakeTriton.start(entry);
    gone.close();
    RewardServiceBlockingStub reward = start(gone, List.of(trunkOnly));

    assertThat(fault(() -> score(reward, TinyReward.NAME))).isEqualTo(Fault.DEPENDENCY_DOWN);
    assertThat(flaws()).containsOnlyKeys(TinyReward.NAME);
  }

  @ParameterizedTest
  @CsvSource({
    "java-nothing, 1, there",
    "tiny-reward, 9, there",
    "tiny-reward, 1, not-there", // though it is in the folder
  })
  void whatTritonHasNotIsNotFoundAsInAFolder(String model, String version, String served)
      throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward =
          start(triton, List.of(here), Map.of("triton.served-models.tiny-reward", served));

      assertThat(fault(() -> reward.score(version(model, version)))).isEqualTo(Fault.UNKNOWN_MODEL);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "weights_sha256_7 | tiny-reward 1: Triton has weights of SHA-256 0000",
        "tokenizer_sha256_7 | tiny/1/tokenizer.json: SHA-256",
      })
  void whatIsAnotherThanInTheFolderIsRefused(String parameter, String says) throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      triton.parameter(parameter, "0".repeat(64));
      RewardServiceBlockingStub reward = start(triton, List.of(here));

      StatusRuntimeException thrown = refusal(() -> score(reward, TinyReward.NAME));

      assertThat(thrown).hasMessageContaining(says);
      assertThat(PeerFaults.reason(thrown)).contains(Fault.CORRUPT_WEIGHTS);
      assertThat(flaws().get("tiny-reward 1")).contains(says.substring(says.indexOf(": ") + 2));
    }
  }

  @Test
  void aServerWithOtherWeightsThanTheAnswerTellsIsNotAsked() throws IOException {
    copyTrunk();
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward = start(triton, List.of(trunkOnly));
      assertThat(score(reward, TinyReward.NAME).getModelVersion().getWeightsSha256())
          .isEqualTo(weightsSha256());

      triton.parameter("weights_sha256_7", "0".repeat(64));

      // at the next look it has the version anew, and the answers tell the weights that gave them
      Await.until(
          () ->
              answers(reward)
                  && score(reward, TinyReward.NAME)
                      .getModelVersion()
                      .getWeightsSha256()
                      .equals("0".repeat(64)));
    }
  }

  @Test
  void whatAnotherExportReplacedIsFreed() throws IOException {
    copyTrunk();
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward =
          start(triton, List.of(trunkOnly), Map.of("triton.in-flight", "1"));
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
      Set<Thread> before = lanes();
      assertThat(before).hasSize(3);

      triton.parameter("weights_sha256_7", "0".repeat(64));

      Await.until(() -> answers(reward) && lanes().stream().noneMatch(before::contains));
      assertThat(lanes()).hasSize(3);
    }
  }

  /** The workers of the lanes of all versions that are open. */
  private static Set<Thread> lanes() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("batch-tiny-reward-1-"))
        .collect(Collectors.toSet());
  }

  @Test
  void whatOnlyASilentServerHasStaysKnownAndIsNamed() throws IOException {
    copyTrunk();
    FakeTriton second = FakeTriton.start(entry);
    second.parameter("source_7", TinyReward.NAME + "/2");
    int port = second.port();
    try (FakeTriton first = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward =
          start(
              first,
              List.of(trunkOnly),
              Map.of("triton.targets", first.address() + "," + second.address()));
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();

      second.close();

      // it may be what the silent one has
      assertThat(fault(() -> reward.score(version("9")))).isEqualTo(Fault.DEPENDENCY_DOWN);
      assertThat(fault(() -> reward.score(version("2")))).isEqualTo(Fault.DEPENDENCY_DOWN);
      Await.until(() -> flaws().containsKey("tiny-reward 2"));
      assertThat(flaws()).containsOnlyKeys("tiny-reward 2");
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();

      try (FakeTriton again = FakeTriton.startAt(port, entry)) {
        again.parameter("source_7", TinyReward.NAME + "/2");
        Await.until(() -> flaws().isEmpty());
        Await.until(() -> answers(() -> reward.score(version("2"))));
        Await.until(() -> fault(() -> reward.score(version("9"))) == Fault.UNKNOWN_MODEL);
      }
    }
  }

  @Test
  void aServerThatWasSilentFromTheStartIsLookedFor() throws IOException {
    copyTrunk();
    FakeTriton gone = FakeTriton.start(entry);
    gone.close();
    try (FakeTriton first = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward =
          start(
              first,
              List.of(trunkOnly),
              Map.of("triton.targets", first.address() + "," + gone.address()));

      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
      assertThat(flaws()).containsOnlyKeys(TinyReward.NAME);
      assertThat(fault(() -> reward.score(version("2")))).isEqualTo(Fault.DEPENDENCY_DOWN);

      try (FakeTriton late = FakeTriton.startAt(gone.port(), entry)) {
        late.parameter("source_7", TinyReward.NAME + "/2");
        Await.until(() -> flaws().isEmpty());
        Await.until(() -> answers(() -> reward.score(version("2"))));
      }
    }
  }

  @Test
  void aVersionThatWasNeverAskedForIsNamedWhileItsTritonIsAway() throws IOException {
    copyTrunk();
    FakeTriton second = FakeTriton.start(entry);
    second.parameter("source_7", TinyReward.NAME + "/2");
    try (FakeTriton first = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward =
          start(
              first,
              List.of(trunkOnly),
              Map.of("triton.targets", first.address() + "," + second.address()));
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
      assertThat(flaws()).isEmpty();

      second.close();
    }

    Await.until(() -> flaws().keySet().containsAll(List.of("tiny-reward 1", "tiny-reward 2")));
  }

  @Test
  void aRefusalEndsWithTheTritonsReturnThoughNobodyAsksAgain() throws IOException {
    FakeTriton gone = FakeTriton.start(entry);
    gone.close();
    RewardServiceBlockingStub reward =
        start(gone, List.of(here), Map.of("default-model", "another"));
    assertThat(fault(() -> score(reward, TinyReward.NAME))).isEqualTo(Fault.DEPENDENCY_DOWN);
    assertThat(flaws()).containsOnlyKeys("another", "tiny-reward 1");

    try (FakeTriton now = FakeTriton.startAt(gone.port(), entry)) {
      Await.until(() -> flaws().isEmpty());
      assertThat(now.priorities()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Conduct.class,
      names = {"FORBIDDEN", "UNSUPPORTED", "FAILS"})
  void aVersionThatIsBrokenDoesNotShutOffTheGoodOne(Conduct conduct) throws IOException {
    copyTrunk();
    try (FakeTriton good = FakeTriton.start(entry);
        FakeTriton bad = FakeTriton.start(entry)) {
      bad.parameter("source_7", TinyReward.NAME + "/2");
      bad.conduct(conduct);
      RewardServiceBlockingStub reward =
          start(
              good,
              List.of(trunkOnly),
              Map.of("triton.targets", good.address() + "," + bad.address()));
      for (int i = 0; i < 4; i++) { // the fewest that a breaker judges by
        assertThat(fault(() -> reward.score(version("2")))).isEqualTo(Fault.DEPENDENCY_BROKEN);
      }

      assertThat(refusal(() -> reward.score(version("2"))))
          .hasMessageContaining("triton:tiny-reward/2: breaker open");
      assertThat(bad.priorities()).hasSize(4);
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
    }
  }

  @Test
  void anOldExportBlindsNobodyToWhatOtherServersHave() throws IOException {
    copyTrunk();
    try (FakeTriton old = FakeTriton.start(entry);
        FakeTriton good = FakeTriton.start(entry)) {
      old.forget("source_7");
      RewardServiceBlockingStub reward =
          start(
              good,
              List.of(trunkOnly),
              Map.of("triton.targets", old.address() + "," + good.address()));

      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
      assertThat(old.priorities()).isEmpty();
      assertThat(flaws())
          .containsExactly(
              Map.entry(
                  TinyReward.NAME,
                  old.address()
                      + ": model 'there': parameter 'source_7': none"
                      + " (expected: a model that ./mesh models export wrote)"));
      assertThat(fault(() -> reward.score(version("9")))).isEqualTo(Fault.UNKNOWN_MODEL);

      old.parameter("source_7", TinyReward.NAME + "/1");

      Await.until(() -> flaws().isEmpty());
    }
  }

  @Test
  void whereAllExportsAreOldThatIsSaidOfEach() throws IOException {
    copyTrunk();
    try (FakeTriton one = FakeTriton.start(entry);
        FakeTriton two = FakeTriton.start(entry)) {
      one.forget("source_7");
      two.forget("source_7");
      RewardServiceBlockingStub reward =
          start(
              one,
              List.of(trunkOnly),
              Map.of("triton.targets", one.address() + "," + two.address()));

      StatusRuntimeException thrown = refusal(() -> score(reward, TinyReward.NAME));

      assertThat(PeerFaults.reason(thrown)).contains(Fault.DEPENDENCY_BROKEN);
      assertThat(flaws().get(TinyReward.NAME))
          .contains(one.address() + ": model 'there': ", two.address() + ": model 'there': ");
    }
  }

  @Test
  void ensemblesThatAreNotNamedRunHere() throws IOException {
    FakeTriton gone = FakeTriton.start(entry);
    gone.close();
    RewardServiceBlockingStub reward =
        start(gone, List.of(here), Map.of("triton.models", "another"));

    assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
    assertThat(data.resolve("onnx")).isNotEmptyDirectory();
    assertThat(flaws()).containsOnlyKeys("another");
  }

  @Test
  void aModuleThatIsClosedLeavesNoThreadBehind() throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      assertThat(score(start(triton, List.of(here)), TinyReward.NAME).getResultsCount())
          .isEqualTo(1);
      stop();
      LeftoverThreads threads = new LeftoverThreads();
      assertThat(score(start(triton, List.of(here)), TinyReward.NAME).getResultsCount())
          .isEqualTo(1);

      stop();

      threads.assertNone();
    }
  }

  private void copyTrunk() throws IOException {
    Path from = here.resolve(TinyModel.NAME).resolve(TinyModel.VERSION);
    Path to = trunkOnly.resolve(TinyModel.NAME).resolve(TinyModel.VERSION);
    ModelStore.deleteAll(to);
    Files.createDirectories(to);
    for (String file : List.of("config.json", "tokenizer.json")) {
      Files.copy(from.resolve(file), to.resolve(file));
    }
  }

  private static String weightsSha256() {
    return ModelManifest.read(here.resolve(TinyReward.NAME).resolve("1"))
        .flatMap(ModelManifest::weightsSha256)
        .orElseThrow();
  }

  private RewardServiceBlockingStub start(FakeTriton triton, List<Path> folders) {
    return start(triton, folders, Map.of());
  }

  private RewardServiceBlockingStub start(
      FakeTriton triton, List<Path> folders, Map<String, String> properties) {
    Map<String, String> all = new HashMap<>();
    all.put("default-model", TinyReward.NAME);
    all.put("cache-bytes", "0"); // what is known is answered without Triton: here it is asked
    all.put("triton.targets", triton.address());
    all.put("triton.served-models.tiny-reward", "there");
    all.putAll(properties);
    servers.add(TestReward.module(folders, data, all));
    return RewardServiceGrpc.newBlockingStub(servers.getLast().channel());
  }

  /** What keeps the first server's ensembles from being asked. */
  private Map<String, String> flaws() {
    return servers.getFirst().module().flaws();
  }

  private List<ModelState> states() {
    return servers.getFirst().module().models().getFirst().states();
  }

  private static ScoreRequest.Builder request(String model) {
    return ScoreRequest.newBuilder()
        .setRewardModel(ModelSelector.newBuilder().setModel(model))
        .addItems(TestReward.item("x", "int a", "= 1;"));
  }

  private static ScoreRequest version(String version) {
    return version(TinyReward.NAME, version);
  }

  private static ScoreRequest version(String model, String version) {
    return request("")
        .setRewardModel(ModelSelector.newBuilder().setModel(model).setVersion(version))
        .build();
  }

  private static ScoreResponse score(RewardServiceBlockingStub reward, String model) {
    return reward.score(request(model).build());
  }

  private static boolean answers(RewardServiceBlockingStub reward) {
    return answers(() -> score(reward, TinyReward.NAME));
  }

  private static boolean answers(Supplier<ScoreResponse> call) {
    try {
      return call.get().getResults(0).hasValue();
    } catch (StatusRuntimeException e) {
      return false;
    }
  }
}
