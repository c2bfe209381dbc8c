package io.ballast.training.reward;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoreOutcome.Scored;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.training.data.SplitRule;
import io.ballast.training.scoring.HeadForm;
import io.ballast.training.scoring.HeadTrainer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Seeds and orders alone make no ensemble of a convex model: its members are one member K times.
 * What differs are models that are not convex, and members that saw other judgements.
 */
class ConvexMembersTest {
  /** Of raw scores on completions that trained nothing; their own spread is about 1. */
  private static final double TOLERANCE = 1e-4;

  @TempDir private Path folder;

  @BeforeAll
  static void oneThread() {
    TorchRuntime.setThreads(1);
  }

  @Test
  void linearMembersOfTheSameJudgementsAreIdentical() throws Exception {
    RewardTraining.Trained trained = trained(HeadForm.LINEAR, false);
    assertThat(widestGap(trained)).isLessThan(TOLERANCE);
    assertThat(trained.model().spec().heldOut().get("member_agreement")).isEqualTo(1);
    assertThat(trained.facts().get("members differ by")).startsWith("nothing");
  }

  @Test
  void linearMembersOfOtherDrawsDiffer() throws Exception {
    assertThat(widestGap(trained(HeadForm.LINEAR, true))).isGreaterThan(100 * TOLERANCE);
  }

  @Test
  void layeredMembersOfTheSameJudgementsDiffer() throws Exception {
    assertThat(widestGap(trained(HeadForm.LAYERED, false))).isGreaterThan(100 * TOLERANCE);
  }

  /** A fifth of the labels is wrong, so that no head can have all pairs in order. */
  private RewardTraining.Trained trained(HeadForm form, boolean bootstrap) throws Exception {
    RewardPlan plan =
        new RewardPlan(
            3,
            bootstrap,
            0,
            0.2,
            SplitBy.PROMPT,
            SplitRule.tenths(1),
            96,
            1,
            HeadTrainer.Options.defaults().withEpochs(10).withForm(form));
    return Semicolons.train(plan, Semicolons.pairs(150, 9), folder.resolve("work"));
  }

  /** The widest gap of two members on a completion, as the published version scores. */
  private double widestGap(RewardTraining.Trained trained) throws Exception {
    StoredModel published =
        new RewardPublisher(new ModelStore(folder.resolve("models")), folder.resolve("work"))
            .publish("semicolon", "1", trained, "made by hand");
    double widest = 0;
    try (OnnxScorer scorer =
        OnnxScorer.open(Semicolons.TRUNK.folder(), published.folder(), folder.resolve("onnx"), 1)) {
      for (List<ScoreOutcome> group : scorer.score(trained.golden())) {
        for (ScoreOutcome outcome : group) {
          List<Float> scores = ((Scored) outcome).scores();
          for (float a : scores) {
            for (float b : scores) {
              widest = Math.max(widest, Math.abs(a - b));
            }
          }
        }
      }
    }
    return widest;
  }
}
