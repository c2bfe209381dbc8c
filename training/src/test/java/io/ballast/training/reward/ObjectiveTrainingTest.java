package io.ballast.training.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoreOutcome.Scored;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.onnx.ScoringObjective;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.training.data.BadRow;
import io.ballast.training.data.Judgement;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.PromptText;
import io.ballast.training.data.Source;
import io.ballast.training.data.SplitRule;
import io.ballast.training.reward.RewardData.Objective;
import io.ballast.training.scoring.BlockOptions;
import io.ballast.training.scoring.HeadForm;
import io.ballast.training.scoring.HeadTrainer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Members judge by two objectives as by each of them alone, and by their weighted sum. */
class ObjectiveTrainingTest extends ObjectiveCase {
  private static List<ScoringGroup> asked() {
    try (HuggingFaceTokenizerAdapter tokenizer =
        HuggingFaceTokenizerAdapter.ofFolder(Semicolons.TRUNK.folder())) {
      return Semicolons.pairs(10, 7).stream().map(pair -> group(tokenizer, pair)).toList();
    }
  }

  private static ScoringGroup group(Tokenizer tokenizer, Judgement judgement) {
    Judgement.Pair pair = (Judgement.Pair) judgement;
    return new ScoringGroup(
        tokenizer.encode(((PromptText.Plain) pair.prompt()).text()),
        List.of(tokenizer.encode(pair.chosen()), tokenizer.encode(pair.rejected())));
  }

  private static Scored scored(OnnxScorer scorer, ScoringGroup group, int completion) {
    return (Scored) scorer.score(List.of(group)).getFirst().get(completion);
  }

  @Test
  void eachObjectiveIsTrainedAsIfThereWereNoOther() throws Exception {
    ScoringSpec several = train(plan(), both(1, -0.5), false).model().spec();
    ScoringSpec ended = train(plan(), new RewardData.Whole(pairs()), false).model().spec();
    ScoringSpec comma = train(plan(), new RewardData.Whole(grades()), false).model().spec();

    assertThat(several.objectives().getFirst()).isEqualTo(objective("ended", 1, ended));
    ScoringObjective cost = several.objectives().get(1);
    assertThat(cost.weight()).isEqualTo(-0.5);
    assertThat(cost.normalizations()).isEqualTo(comma.normalizations());
    assertThat(cost.heldOutMembers()).isEqualTo(comma.heldOutMembers());
    assertThat(cost.heldOut()).containsEntry("mean_auc", comma.heldOut().get("mean_auc"));
    assertThat(ended.inverseTemperatures()).hasSize(2);
    assertThat(comma.calibration()).isPresent();
    assertThat(comma.heldOut().get("cautious_auc")).isGreaterThan(0.9);
    assertThat(several.calibration()).as("nobody compared two sums").isEmpty();
    assertThat(several.inverseTemperatures()).isEmpty();
    // what one likes the other does not, and costs: the sum orders the pairs of both
    assertThat(several.heldOut().get("ended.cautious_within_prompt_accuracy")).isGreaterThan(0.9);
    assertThat(several.heldOut().get("comma.cautious_auc")).isGreaterThan(0.9);
    assertThat(several.heldOutMembers().getFirst())
        .containsKeys("ended.within_prompt_accuracy", "comma.auc")
        .doesNotContainKey("within_prompt_accuracy");
  }

  @Test
  void withFlippedLabelsAndDrawsOfTheirOwnToo() throws Exception {
    RewardPlan noisy =
        new RewardPlan(
            2,
            true,
            0.1,
            0.1,
            SplitBy.PROMPT,
            SplitRule.tenths(1),
            96,
            1,
            HeadTrainer.Options.defaults().withEpochs(3));
    RewardTraining.Trained several = train(noisy, both(1, 0.5), false);
    ScoringSpec ended = train(noisy, new RewardData.Whole(pairs()), false).model().spec();
    ScoringSpec comma = train(noisy, new RewardData.Whole(grades()), false).model().spec();
    assertThat(several.model().spec().objectives())
        .containsExactly(objective("ended", 1, ended), objective("comma", 0.5, comma));
    assertThat(several.facts())
        .containsEntry("labels flipped on purpose", "0.1")
        .containsEntry("members differ by", "first weights, order, and draw of the prompts");
    assertThat(ended.normalizations())
        .as("flips and draws matter")
        .isNotEqualTo(
            train(plan(), new RewardData.Whole(pairs()), false).model().spec().normalizations());
  }

  private static ScoringObjective objective(String name, double weight, ScoringSpec alone) {
    return new ScoringObjective(
        name,
        weight,
        alone.normalizations(),
        alone.inverseTemperatures(),
        alone.calibration(),
        alone.heldOutMembers(),
        alone.heldOut());
  }

  @ParameterizedTest
  @EnumSource(HeadForm.class)
  void aPublishedVersionScoresByTheSumOfWhatItsObjectivesSay(HeadForm form) throws Exception {
    RewardTraining.Trained trained = train(plan(form, SplitBy.PROMPT), both(1, -0.5), false);
    assertThat(trained.facts())
        .containsEntry("objectives, each standardised", "1.0·ended − 0.5·comma")
        .containsEntry("ended: data, SHA-256", "d1")
        .containsEntry("ended: loss", "Bradley-Terry of the pairs")
        .containsEntry("comma: loss", "likelihood of the grades")
        .containsEntry("rows left out", "0");
    StoredModel published = publish("both", trained);
    assertThat(published.folder().resolve("MODEL_CARD.md"))
        .content()
        .contains(
            "### ended, weight 1.0",
            "### comma, weight -0.5",
            "| cautious: lowest normalised member",
            "| cautious: highest normalised member",
            "| the weighted sum, cautious",
            "| − the weighted sum, cautious",
            " pairs; the cautious score's accuracy is ± ")
        .doesNotContain(", 0 pairs", "agree on –");
    try (OnnxScorer scorer = open(published)) {
      ScoringSpec spec = scorer.spec();
      for (ScoringGroup group : asked()) {
        for (int i = 0; i < 2; i++) {
          Scored scored = scored(scorer, group, i);
          for (int k = 0; k < 2; k++) {
            List<Float> each = scored.objectives().get(k);
            double sum =
                spec.objectives().get(0).normalizations().get(k).normalize(each.get(0))
                    - 0.5 * spec.objectives().get(1).normalizations().get(k).normalize(each.get(1));
            assertThat(scored.scores().get(k).doubleValue()).isCloseTo(sum, within(1e-4));
          }
        }
        assertThat(scored(scorer, group, 0).scores().getFirst())
            .as("an ended statement is worth more by both")
            .isGreaterThan(scored(scorer, group, 1).scores().getFirst());
      }
    }
  }

  @Test
  void oneObjectiveOfWeightOneIsThePlainEnsemble() throws Exception {
    RewardData one =
        new RewardData.Objectives(List.of(new Objective("ended", 1, "ended.jsonl", pairs())));
    RewardTraining.Trained objective = train(plan(), one, false);
    for (Normalization sum : objective.model().spec().normalizations()) {
      assertThat(sum.mean()).isCloseTo(0, within(1e-9));
      assertThat(sum.std()).isCloseTo(1, within(1e-9));
    }
    RewardTraining.Trained plain = train(plan(), new RewardData.Whole(pairs()), false);
    try (OnnxScorer sums = open(publish("one", objective));
        OnnxScorer scores = open(publish("plain", plain))) {
      for (ScoringGroup group : asked()) {
        for (int i = 0; i < 2; i++) {
          Scored sum = scored(sums, group, i);
          Scored score = scored(scores, group, i);
          for (int k = 0; k < 2; k++) {
            assertThat(sum.objectives().get(k)).containsExactly(score.scores().get(k));
            assertThat(sums.spec().normalizations().get(k).normalize(sum.scores().get(k)))
                .isCloseTo(
                    scores.spec().normalizations().get(k).normalize(score.scores().get(k)),
                    within(1e-4));
          }
        }
      }
    }
  }

  @Test
  void twiceTheSameObjectiveAtAWeightHasAMultipleForASum() throws Exception {
    RewardData twice =
        new RewardData.Objectives(
            List.of(
                new Objective("ended", 1, "ended.jsonl", pairs()),
                new Objective("again", -3, "again.jsonl", pairs())));
    for (Normalization sum : train(plan(), twice, false).model().spec().normalizations()) {
      // z − 3z = −2z, and z has mean 0 and deviation 1
      assertThat(sum.mean()).isCloseTo(0, within(1e-9));
      assertThat(sum.std()).isCloseTo(2, within(1e-9));
    }
  }

  @Test
  void whatIsWrongWithTheDataOfOneObjectiveNamesIt() throws Exception {
    assertThatThrownBy(() -> train(plan(), with(data(List.of(), "d2")), false))
        .isInstanceOf(UnusableDataException.class)
        .hasMessage("comma: no judgements (expected: pairs or grades)");
    assertThatThrownBy(() -> train(plan(), with(data(Semicolons.pairs(1, 1), "d2")), false))
        .isInstanceOf(UnusableDataException.class)
        .hasMessageMatching("comma: \\w+ part: no pairs \\(expected: .*");

    List<Judgement> judgements = new ArrayList<>(Semicolons.pairs(200, 7));
    judgements.add(
        new Judgement.Pair(new PromptText.Plain("int a"), ";", ",", 0, 1, new Source(201, "", "")));
    RewardPlan byUser = plan(HeadForm.LAYERED, SplitBy.USER);
    assertThatThrownBy(() -> train(byUser, with(data(judgements, "d2")), false))
        .isInstanceOf(UnusableDataException.class)
        .hasMessage(
            "comma: 1 row cannot be used: row 201: user: missing (expected: one, the split is by"
                + " it)");
    RewardTraining.Trained trained = train(byUser, with(data(judgements, "d2")), true);
    assertThat(trained.badRows())
        .containsExactly(
            new BadRow(201, "comma: user: missing (expected: one, the split is by it)"));
    assertThat(trained.facts()).containsEntry("rows left out", "1");
  }

  @Test
  void ownBlocksAreRefused() {
    RewardPlan own = plan().withOwnBlocks(1, BlockOptions.defaults());
    assertThatThrownBy(() -> train(own, both(1, 1), false))
        .isInstanceOf(UnusableDataException.class)
        .hasMessage("own blocks: members that judge by several objectives have none (expected: 0)");
  }

  @Test
  void whatCannotBeObjectivesIsRefused() {
    JudgementData none = data(List.of(), "d");
    assertThatThrownBy(() -> new Objective("Love", 1, "f", none))
        .hasMessage(
            "name: \"Love\" (expected: [a-z][a-z0-9]*(_[a-z0-9]+)*, at most 64 characters)");
    assertThatThrownBy(() -> new Objective("love", 0, "f", none))
        .hasMessage("weight: 0.0 (expected: 0.001 to 1000, or the negative of that)");
    assertThatThrownBy(() -> new Objective("love_", 1, "f", none))
        .hasMessageStartingWith("name: \"love_\" (expected: ");
    for (double weight : new double[] {1e-46, -9e-4, 1_001, 1e39, 1e308, Double.NaN}) {
      assertThatThrownBy(() -> new Objective("love", weight, "f", none))
          .hasMessageStartingWith("weight: " + weight + " (expected: ");
    }
    Objective love = new Objective("love", 1, "f", none);
    assertThatThrownBy(() -> new RewardData.Objectives(List.of(love, love)))
        .hasMessage("objectives[1].name: \"love\" (expected: none that is another's)");
    assertThatThrownBy(() -> new RewardData.Objectives(List.of()))
        .hasMessage("objectives: none (expected: at least one)");
    assertThatThrownBy(() -> new RewardData.Objectives(Collections.nCopies(17, love)))
        .hasMessage("objectives: 17 (expected: at most 16)");
    JudgementData left = new JudgementData(List.of(), List.of(new BadRow(3, "not JSON")), 4, "d");
    RewardData data = new RewardData.Objectives(List.of(new Objective("love", 1, "f", left)));
    assertThat(data.badRows()).containsExactly(new BadRow(3, "love: not JSON"));
    assertThat(data.badRowCount()).isEqualTo(4);
  }
}
