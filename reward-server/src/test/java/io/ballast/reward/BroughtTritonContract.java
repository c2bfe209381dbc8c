package io.ballast.reward;

import static io.ballast.reward.testing.TestReward.item;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.brought.BroughtAdoption;
import io.ballast.inference.brought.BroughtEngines;
import io.ballast.inference.brought.BroughtManifest;
import io.ballast.inference.brought.ReferenceAnswers;
import io.ballast.inference.onnx.EncoderOptions;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.triton.GuardedModel;
import io.ballast.inference.triton.KServeSettings;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerSettings;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.testing.TinyClassifier;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.testing.Await;
import io.ballast.testing.ModuleInProcess;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Classifiers that somebody put on a Triton as members of reward ensembles: {@code letters} and
 * {@code sums} of {@link io.ballast.testing.FakeClassifiers}, whoever runs them.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
abstract class BroughtTritonContract {
  private static final String LETTERS =
      "{\"triton\": {\"model\": \"letters\", \"version\": \"1\", \"text\": \"TEXT\", \"output\":"
          + " \"score\"}, \"input\": {\"form\": \"template\", \"template\":"
          + " \"{prompt}|{completion}\"}, \"score\": {\"kind\": \"logit\"}}";

  @TempDir Path models = Path.of(".");
  @TempDir Path data = Path.of(".");
  private final List<ModuleInProcess> modules = new ArrayList<>();

  /** Where the Triton is. */
  abstract String address();

  /** Ends it as a crash would. */
  abstract void kill() throws IOException;

  /** Starts it again at its address. */
  abstract void restart() throws IOException;

  @AfterEach
  void stop() {
    modules.forEach(ModuleInProcess::close);
  }

  private BroughtEngines engines() {
    return new BroughtEngines(
        EncoderOptions.defaults(),
        model ->
            GuardedModel.open(
                List.of(address()),
                model,
                KServeSettings.defaults().withControlDeadline(Duration.ofSeconds(30)),
                new PeerGuard(
                    "test",
                    PeerSettings.defaults(),
                    InstantSource.system(),
                    System::nanoTime,
                    new SimpleMeterRegistry())));
  }

  private void adopt(String name, String... members) throws IOException {
    var unused =
        new BroughtAdoption(new ModelStore(models), List.of(models), engines())
            .adopt(
                name,
                "1",
                new BroughtAdoption.Plan(
                    BroughtManifest.parse(
                        "{\"format\": \"ballast-brought-reward\", \"members\": [%s]}"
                            .formatted(String.join(", ", members))),
                    ReferenceAnswers.none(),
                    1e-3,
                    Map.of()),
                part -> {});
  }

  private ModuleInProcess start(String... properties) {
    Map<String, String> values =
        new HashMap<>(
            Map.of("default-model", "taste", "triton.targets", address(), "cache-bytes", "0"));
    for (int i = 0; i < properties.length; i += 2) {
      values.put(properties[i], properties[i + 1]);
    }
    ModuleInProcess module = TestReward.module(List.of(models), data, values);
    modules.add(module);
    return module;
  }

  private static RewardServiceBlockingStub stub(ModuleInProcess module) {
    return RewardServiceGrpc.newBlockingStub(module.channel());
  }

  private static ScoreRequest request(List<ScoreItem> items) {
    return ScoreRequest.newBuilder()
        .addAllItems(items)
        .setRewardModel(ModelSelector.newBuilder().setModel("taste"))
        .setAggregation(
            Aggregation.newBuilder().setMethod(AggregationMethod.AGGREGATION_METHOD_MEAN))
        .build();
  }

  @Test
  void aModelThatReadsTextsGetsWhatTheTemplateMakes() throws IOException {
    adopt("taste", LETTERS);
    List<ScoreItem> items = new ArrayList<>();
    for (int i = 0; i < 30; i++) { // the model takes eight rows a request
      items.add(item("", "ä", "y".repeat(i + 1)));
    }
    ScoreResponse response = stub(start()).score(request(items));
    for (int i = 0; i < 30; i++) {
      // "ä|" is three bytes
      assertThat(response.getResults(i).getValue()).isCloseTo((3 + i + 1) / 2.0, within(1e-3));
    }
    assertThat(response.getResults(0).getMembers(0).getModelVersion().getModel())
        .isEqualTo("letters");
  }

  @Test
  void aModelThatReadsIdsGetsThemFromTheTokenizerOfAFolder() throws IOException {
    TinyClassifier.writeTo(models);
    adopt(
        "taste",
        ("{\"model\": \"%s\", \"version\": \"1\", \"triton\": {\"model\": \"sums\", \"version\":"
                + " \"1\", \"ids\": \"input_ids\", \"mask\": \"attention_mask\", \"output\":"
                + " \"logits\"}, \"input\": {\"form\": \"template\", \"template\":"
                + " \"{prompt}{completion}\"}, \"score\": {\"kind\": \"logit\", \"label\":"
                + " \"good\"}}")
            .formatted(TinyClassifier.NAME));
    ScoreResponse response =
        stub(start()).score(request(List.of(item("", "a", "b"), item("", "a", "bcd"))));
    // the token of a byte is one more than it; label "good" is the sum's hundredth
    assertThat(response.getResults(0).getValue()).isCloseTo(1.97, within(1e-3));
    assertThat(response.getResults(1).getValue()).isCloseTo(3.98, within(1e-3));
  }

  @Test
  void whatTheModelHasNotIsNamedWhenItIsAdopted() {
    refused(
        LETTERS.replace("\"TEXT\"", "\"text\""),
        "members[0].triton.text: 'text' (expected: one of [TEXT])");
    refused(
        LETTERS.replace("\"score\"},", "\"logits\"},"),
        "members[0].triton.output: 'logits' (expected: one of [score])");
    refused(
        LETTERS.replace("letters", "sums").replace("\"TEXT\"", "\"input_ids\""),
        "members[0].triton.text: 'input_ids' is INT64 (expected: [BYTES])");
    refused(
        LETTERS.replace("\"kind\": \"logit\"", "\"kind\": \"logit\", \"label\": 1"),
        "members[0].score.label: 1 (expected: 0 to 0)");
  }

  private void refused(String member, String message) {
    assertThatThrownBy(() -> adopt("refused", member))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(message);
  }

  @Test
  void whileItIsAwayAnEnsembleOfItsOwnIsUnavailableAndOneWithOthersIsLeftToTheQuorum()
      throws IOException {
    TinyClassifier.writeTo(models);
    adopt("taste", LETTERS);
    adopt(
        "mixed",
        LETTERS,
        "{\"model\": \"%s\", \"version\": \"1\", \"input\": {\"form\": \"template\", \"template\": \"{completion}\"}, \"score\": {\"kind\": \"logit\"}}"
            .formatted(TinyClassifier.NAME));
    ModuleInProcess module = start("ensembles.\"mixed\".quorum", "1");
    ScoreRequest taste = request(List.of(item("", "a", "b")));
    ScoreRequest mixed =
        taste.toBuilder().setRewardModel(ModelSelector.newBuilder().setModel("mixed")).build();
    assertThat(stub(module).score(taste).getResults(0).hasValue()).isTrue();
    assertThat(stub(module).score(mixed).getResults(0).getMemberMaskList())
        .containsExactly(true, true);

    kill();
    assertThatThrownBy(() -> stub(module).score(taste))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    ScoreResult rest = stub(module).score(mixed).getResults(0);
    assertThat(rest.hasValue()).isTrue();
    assertThat(rest.getMemberMaskList()).containsExactly(false, true);
    assertThat(rest.getMembers(0).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_MODEL_ERROR);
    Await.until(() -> module.module().flaws().containsKey("taste 1"));

    restart();
    Await.until(() -> module.module().flaws().isEmpty());
    Await.until(
        () -> {
          try {
            return stub(module).score(taste).getResults(0).hasValue();
          } catch (StatusRuntimeException e) {
            return false; // the breaker lets calls through again in a moment
          }
        });
  }
}
