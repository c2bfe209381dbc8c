package io.ballast.safety.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.scoring.FolderScoring;
import io.ballast.inference.scoring.ScoringSource;
import io.ballast.inference.store.ModelManifest;
import io.ballast.kit.batching.BatchGroup;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Lane;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.safety.core.cost.CostModel;
import io.ballast.safety.core.cost.HeadScores;
import io.ballast.safety.testing.TinyCostModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Cost models come from real folders and answer through ONNX Runtime. */
class CostUseTest {
  @TempDir Path root;
  @TempDir Path cache;

  @BeforeEach
  void writeTrunk() throws IOException {
    var unused = TinyCostModels.trunk(root);
  }

  @Test
  void twoVersionsAnswerSideBySide() throws IOException {
    write("1", 1);
    write("2", 2);
    FolderScoring<CostModel, HeadScores> models = models();

    assertThat(models.list())
        .extracting(model -> model.id().model() + " " + model.id().version() + " " + model.heads())
        .containsExactly("java-cost 1 3", "java-cost 2 3");
    assertThat(models.list().getFirst().calibration().orElseThrow().slope()).isEqualTo(1.5);
    List<Double> one = scores(models, models.list().get(0));
    List<Double> two = scores(models, models.list().get(1));
    assertThat(one).hasSize(3).allMatch(Double::isFinite);
    assertThat(two).hasSize(3).isNotEqualTo(one);
  }

  @Test
  void aCompletionThatIsLongerThanTheContextFailsAlone() throws IOException {
    write("1", 1);
    FolderScoring<CostModel, HeadScores> models = models();
    ScoringSource.Opened<HeadScores> opened = models.open(models.list().getFirst());
    try (var engine = opened.engine().apply(Lane.INTERACTIVE)) {
      TokenIds prompt = opened.tokenizer().encode("int x");
      List<HeadScores> results =
          engine
              .run(
                  List.of(
                      new BatchGroup<>(
                          prompt,
                          List.of(
                              opened.tokenizer().encode("y".repeat(40)),
                              opened.tokenizer().encode(" = 1;")),
                          0)),
                  CallPatience.endless())
              .getFirst();

      assertThat(results.get(0))
          .isInstanceOfSatisfying(
              HeadScores.Refused.class,
              refused -> assertThat(refused.fault().reason()).isEqualTo(ItemFault.Reason.TOO_LONG));
      assertThat(results.get(1)).isInstanceOf(HeadScores.Scored.class);
    }
  }

  @Test
  void otherKindsAndBrokenFoldersAreLeftOut() throws IOException {
    write("1", 1);
    var reward = TinyCostModels.heads(root, "java-reward", "1", ScoringKind.REWARD_ENSEMBLE, 2, 3);
    Path broken = TinyCostModels.heads(root, "java-cost", "2", ScoringKind.COST, 3, 2);
    Files.delete(broken.resolve(ModelManifest.FILE));

    assertThat(reward).exists();
    assertThat(models().list()).extracting(model -> model.id().version()).containsExactly("1");
  }

  @Test
  void whatCameLaterIsFoundByALookAgain() throws IOException {
    FolderScoring<CostModel, HeadScores> models = models();
    write("1", 1);

    assertThat(models.list()).isEmpty();
    models.refresh("any");
    assertThat(models.list()).hasSize(1);
  }

  @Test
  void changedWeightsAreCorruptAndAMissingTrunkIsNamed() throws IOException {
    write("1", 1);
    FolderScoring<CostModel, HeadScores> models = models();
    Path weights = root.resolve("java-cost").resolve("1").resolve(ModelManifest.WEIGHTS);
    byte[] changed = Files.readAllBytes(weights);
    changed[changed.length - 1] ^= 1;
    Files.write(weights, changed);

    assertThatThrownBy(() -> models.open(models.list().getFirst()))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.CORRUPT_WEIGHTS));

    Files.move(root.resolve("tiny"), cache.resolve("elsewhere"));
    assertThatThrownBy(() -> models.open(models.list().getFirst()))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.UNKNOWN_MODEL))
        .hasMessage("the heads stand on tiny 1, which is in none of the model folders");
  }

  private static List<Double> scores(FolderScoring<CostModel, HeadScores> models, CostModel model) {
    ScoringSource.Opened<HeadScores> opened = models.open(model);
    try (var engine = opened.engine().apply(Lane.INTERACTIVE)) {
      HeadScores scores =
          engine
              .run(
                  List.of(
                      new BatchGroup<>(
                          opened.tokenizer().encode("int x"),
                          List.of(opened.tokenizer().encode(" = 1;")),
                          0)),
                  CallPatience.endless())
              .getFirst()
              .getFirst();
      assertThat(scores).isInstanceOf(HeadScores.Scored.class);
      return ((HeadScores.Scored) scores).scores();
    }
  }

  private void write(String version, long seed) throws IOException {
    var unused = TinyCostModels.heads(root, "java-cost", version, ScoringKind.COST, 3, seed);
  }

  private FolderScoring<CostModel, HeadScores> models() {
    return new FolderScoring<>(CostUse.of(), List.of(root), cache.resolve("onnx"), 1);
  }
}
