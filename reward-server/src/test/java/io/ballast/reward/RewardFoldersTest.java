package io.ballast.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.kit.runtime.Role;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.testing.TinyModel;
import io.ballast.reward.testing.TinyReward;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.wiring.RewardModule;
import io.ballast.testing.FixedRuntime;
import io.ballast.testing.ModuleInProcess;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is wrong with a model folder is named, and nothing half of it serves. */
class RewardFoldersTest extends RewardModuleCase {
  @Test
  void anEnsembleWhoseTrunkHasAnotherTokenizerDoesNotServe() throws IOException {
    TinyReward.writeTo(models);
    Path trunk = models.resolve(TinyModel.NAME).resolve(TinyModel.VERSION);
    Files.writeString(trunk.resolve("tokenizer.json"), "\n", StandardOpenOption.APPEND);
    ModelManifest.write(trunk, Map.of()); // as somebody who publishes a trunk anew would
    RewardModule other =
        new RewardModule(TestReward.properties(Map.of("ballast.reward.default-model", "nobody")));
    try (ModuleInProcess process =
        ModuleInProcess.start(
            other, new FixedRuntime(Role.REWARD_SERVER, List.of(empty, models), data))) {
      ScoreRequest named =
          request().toBuilder()
              .setRewardModel(ModelSelector.newBuilder().setModel(TinyReward.NAME).setVersion("1"))
              .build();
      assertThatThrownBy(() -> RewardServiceGrpc.newBlockingStub(process.channel()).score(named))
          .hasMessageMatching(
              "DATA_LOSS: %s/1/tokenizer.json: SHA-256 [0-9a-f]{64} \\(expected: [0-9a-f]{64}, with which %s/1 was trained\\)"
                  .formatted(TinyModel.NAME, TinyReward.NAME));
    }
    assertThatThrownBy(this::start)
        .as("nor does a server start whose default it is")
        .hasMessageContaining("tokenizer.json: SHA-256 ");
  }

  @Test
  void aDamagedEnsembleIsLeftOutAndTheServerStarts() throws IOException {
    TinyReward.writeTo(models);
    Files.writeString(
        models.resolve(TinyReward.NAME).resolve("1").resolve("model.safetensors"),
        "x",
        StandardOpenOption.APPEND);
    RewardServiceBlockingStub reward = start();

    assertThat(
            reward
                .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
                .getEnsemblesList())
        .isEmpty();
    assertThatThrownBy(() -> score(reward))
        .extracting(e -> Status.fromThrowable(e).getCode())
        .isEqualTo(Status.Code.NOT_FOUND);
  }

  @Test
  void aDefaultThatIsNotThereIsNamedWithTheMend() throws IOException {
    RewardServiceBlockingStub reward = start();

    assertThatThrownBy(() -> score(reward))
        .hasMessage(
            "NOT_FOUND: reward_model.model: 'tiny-reward': there is no reward ensemble of this"
                + " name; it is the default: put it into a model folder, or set"
                + " ballast.reward.default-model and ballast.reward.serving-version");
  }

  @Test
  void aVersionThatIsUnpublishedWhileInUseScoresOnUntilItIsLookedFor() throws IOException {
    TinyReward.writeTo(models);
    RewardServiceBlockingStub reward = start();
    double before = score(reward).getResults(0).getValue();
    ModelStore.deleteAll(models.resolve(TinyReward.NAME));

    assertThat(score(reward).getResults(0).getValue())
        .as("what is loaded needs no file")
        .isEqualTo(before);
    assertThatThrownBy(
            () ->
                reward.score(
                    request().toBuilder()
                        .setRewardModel(ModelSelector.newBuilder().setVersion("2"))
                        .build()))
        .extracting(e -> Status.fromThrowable(e).getCode())
        .isEqualTo(Status.Code.NOT_FOUND);
    assertThatThrownBy(() -> score(reward))
        .as("the folders were looked through")
        .extracting(e -> Status.fromThrowable(e).getCode())
        .isEqualTo(Status.Code.NOT_FOUND);
  }

  @Test
  void whatWasHalfWrittenIsNoVersion() throws IOException {
    TinyReward.writeTo(models);
    Path whole = models.resolve(TinyReward.NAME).resolve("1");
    for (String missing : List.of("ballast.json", "model.safetensors", "config.json")) {
      Path half = models.resolve(TinyReward.NAME).resolve("half-" + missing.charAt(0));
      Files.createDirectories(half);
      try (var files = Files.list(whole)) {
        for (Path file : files.filter(each -> !each.endsWith(missing)).toList()) {
          Files.copy(file, half.resolve(file.getFileName()));
        }
      }
    }
    RewardServiceBlockingStub reward = start();

    assertThat(
            reward
                .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
                .getEnsemblesList())
        .extracting(ensemble -> ensemble.getModelVersion().getVersion())
        .containsExactly("1");
    assertThat(score(reward).getResults(0).hasValue()).isTrue();
  }

  @Test
  void aFileThatIsMissingIsNamedWithoutTheFolderThatItIsMissingFrom() throws IOException {
    TinyReward.writeTo(models);
    Files.delete(
        models.resolve(TinyModel.NAME).resolve(TinyModel.VERSION).resolve("tokenizer.json"));

    assertThatThrownBy(this::start)
        .hasMessage("tiny/1/tokenizer.json: the file is missing")
        .hasMessageNotContaining(models.toString());
  }

  @Test
  void headsDoNotStandOnAnotherTrunk() throws IOException {
    TinyReward.writeTo(models);
    Path trunk = models.resolve(TinyModel.NAME).resolve(TinyModel.VERSION);
    Files.move(trunk, models.resolve(TinyModel.NAME).resolve("2"));

    assertThatThrownBy(this::start)
        .hasMessageContaining("the heads stand on tiny 1, which is in none of the model folders");
  }
}
