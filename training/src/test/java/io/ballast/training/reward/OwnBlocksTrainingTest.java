package io.ballast.training.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.onnx.GoldenScores;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.PlainScoring;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.training.data.SplitRule;
import io.ballast.training.scoring.BlockOptions;
import io.ballast.training.scoring.HeadForm;
import io.ballast.training.scoring.HeadTrainer;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Members that train a trunk's last blocks for themselves become a version that serves. */
class OwnBlocksTrainingTest {
  private static final BlockOptions QUICK = new BlockOptions(2, 2, 3e-4, 0.01, 64 << 20);

  @TempDir private Path folder;

  @BeforeAll
  static void oneThread() {
    TorchRuntime.setThreads(1);
  }

  @Test
  void membersOwnBlocksLearnServeAndKeepWhatTheySaid() throws Exception {
    RewardTraining.Trained trained = train(plan(1).withOwnBlocks(1, QUICK), 60);
    ScoringSpec spec = trained.model().spec();
    assertThat(spec.ownBlocks()).isEqualTo(1);
    assertThat(spec.heldOut().get("cautious_within_prompt_accuracy")).isGreaterThan(0.8);
    assertThat(spec.normalizations().get(0)).isNotEqualTo(spec.normalizations().get(1));
    assertThat(trained.facts().get("own blocks")).startsWith("each member's last 1 ");

    StoredModel published =
        new RewardPublisher(new ModelStore(folder.resolve("models")), folder.resolve("work"))
            .publish("semicolon", "1", trained, "made by hand");
    GoldenScores golden = GoldenScores.read(published.folder()).orElseThrow();
    // opening it compares the golden scores
    try (OnnxScorer scorer =
        OnnxScorer.open(Semicolons.TRUNK.folder(), published.folder(), folder.resolve("onnx"), 1)) {
      assertThat(scorer.spec()).isEqualTo(spec);
    }
    assertThat(golden.items()).isNotEmpty();
    PlainScoring plain =
        PlainScoring.write(
            Semicolons.TRUNK.folder(), published.folder(), folder.resolve("model.onnx"));
    assertThat(plain.spec()).isEqualTo(spec);
    assertThat(folder.resolve("model.onnx")).isNotEmptyFile();
    assertThat(published.folder().resolve("MODEL_CARD.md"))
        .content()
        .contains("| each member's own | the trunk's last 1 block |");
  }

  @Test
  void theSameSeedMakesTheSame() throws Exception {
    RewardTraining.Trained first = train(plan(7).withOwnBlocks(2, QUICK), 40);
    RewardTraining.Trained again = train(plan(7).withOwnBlocks(2, QUICK), 40);
    assertThat(again.model().spec()).isEqualTo(first.model().spec());
    assertThat(again.blocks()).hasSize(2);
  }

  @Test
  void allMeansEveryBlockOfTheTrunk() throws Exception {
    BlockOptions one = new BlockOptions(1, 1, 1e-4, 0, 0);
    RewardTraining.Trained trained = train(plan(1).withOwnBlocks(RewardPlan.ALL_BLOCKS, one), 40);
    assertThat(trained.model().spec().ownBlocks()).isEqualTo(6);
  }

  @Test
  void moreBlocksThanThereAreAndLinearHeadsAreNamed() {
    assertThatThrownBy(() -> train(plan(1).withOwnBlocks(7, QUICK), 40))
        .isInstanceOf(UnusableDataException.class)
        .hasMessage("own blocks: 7 (expected: 0 to 6, the blocks of java-tiny/1)");
    RewardPlan linear =
        new RewardPlan(
            2,
            false,
            0,
            0,
            SplitBy.PROMPT,
            SplitRule.tenths(1),
            96,
            1,
            HeadTrainer.Options.defaults().withForm(HeadForm.LINEAR));
    assertThatThrownBy(() -> linear.withOwnBlocks(1, QUICK))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("head: linear (expected: layered, where members have blocks of their own)");
  }

  private static RewardPlan plan(long seed) {
    return new RewardPlan(
        2,
        false,
        0,
        0,
        SplitBy.PROMPT,
        SplitRule.tenths(1),
        96,
        seed,
        HeadTrainer.Options.defaults().withEpochs(5));
  }

  private RewardTraining.Trained train(RewardPlan plan, int pairs) throws Exception {
    return Semicolons.train(plan, Semicolons.pairs(pairs, 11), folder.resolve("work"));
  }
}
