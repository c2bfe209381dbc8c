package io.ballast.reward;

import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.triton.export.ExportOptions;
import io.ballast.inference.triton.export.TritonExport;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.testing.TinyModel;
import io.ballast.reward.testing.TinyReward;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.testing.FakeTriton;
import io.ballast.testing.ModuleInProcess;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Reward-servers whose ensembles run behind Tritons, and what they say. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
abstract class TritonRewardCase {
  @TempDir static Path here = Path.of(".");
  @TempDir private static Path repository = Path.of(".");
  static Path entry = Path.of(".");

  @TempDir Path trunkOnly;
  @TempDir Path data;

  final List<ModuleInProcess> servers = new ArrayList<>();

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

  void copyTrunk() throws IOException {
    Path from = here.resolve(TinyModel.NAME).resolve(TinyModel.VERSION);
    Path to = trunkOnly.resolve(TinyModel.NAME).resolve(TinyModel.VERSION);
    ModelStore.deleteAll(to);
    Files.createDirectories(to);
    for (String file : List.of("config.json", "tokenizer.json")) {
      Files.copy(from.resolve(file), to.resolve(file));
    }
  }

  static String weightsSha256() {
    return ModelManifest.read(here.resolve(TinyReward.NAME).resolve("1"))
        .flatMap(ModelManifest::weightsSha256)
        .orElseThrow();
  }

  RewardServiceBlockingStub start(FakeTriton triton, List<Path> folders) {
    return start(triton, folders, Map.of());
  }

  RewardServiceBlockingStub start(
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
  Map<String, String> flaws() {
    return servers.getFirst().module().flaws();
  }

  static ScoreRequest.Builder request(String model) {
    return ScoreRequest.newBuilder()
        .setRewardModel(ModelSelector.newBuilder().setModel(model))
        .addItems(TestReward.item("x", "int a", "= 1;"));
  }

  static ScoreRequest version(String version) {
    return version(TinyReward.NAME, version);
  }

  static ScoreRequest version(String model, String version) {
    return request("")
        .setRewardModel(ModelSelector.newBuilder().setModel(model).setVersion(version))
        .build();
  }

  static ScoreResponse score(RewardServiceBlockingStub reward, String model) {
    return reward.score(request(model).build());
  }

  static boolean answers(RewardServiceBlockingStub reward) {
    return answers(() -> score(reward, TinyReward.NAME));
  }

  static boolean answers(Supplier<ScoreResponse> call) {
    try {
      return call.get().getResults(0).hasValue();
    } catch (StatusRuntimeException e) {
      return false;
    }
  }
}
