package io.ballast.training.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.onnx.GoldenScores;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.inference.onnx.ScoringObjective;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.training.data.Judgement;
import io.ballast.training.reward.RewardData.Objective;
import io.ballast.training.scoring.HeadForm;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Rounding noise neither keeps a version from opening nor becomes one. */
class ObjectiveNoiseTest extends ObjectiveCase {
  /** Float noise of a head is as much larger in a sum as its weight is above its deviation. */
  @Test
  void goldenScoresMayBeOffByWhatTheSumMakesOfAHead() throws Exception {
    RewardTraining.Trained trained = train(plan(), both(1_000, -0.001), false);
    opensWithTolerance("heavy", trained);
    opensWithTolerance("flat", withDeviations(trained, 1e-4));
    assertThat(golden(publish("plain", train(plan(), new RewardData.Whole(pairs()), false))))
        .isEqualTo(1e-3);
  }

  private void opensWithTolerance(String name, RewardTraining.Trained trained) throws IOException {
    double gain = 0;
    for (ScoringObjective each : trained.model().spec().objectives()) {
      double least = each.normalizations().stream().mapToDouble(Normalization::std).min().orElse(0);
      gain += Math.abs(each.weight()) / least;
    }
    StoredModel published = publish(name, trained);
    assertThat(golden(published)).isCloseTo(1e-3 * gain, within(1e-9 * gain));
    try (OnnxScorer scorer = open(published)) {
      assertThat(scorer.spec().objectives()).hasSize(2);
    }
  }

  private static double golden(StoredModel published) {
    return GoldenScores.read(published.folder()).orElseThrow().tolerance();
  }

  /** The same, whose objectives' deviations are a share of what they are. */
  private static RewardTraining.Trained withDeviations(
      RewardTraining.Trained trained, double share) {
    ScoringSpec spec = trained.model().spec();
    List<ScoringObjective> objectives =
        spec.objectives().stream()
            .map(
                each ->
                    new ScoringObjective(
                        each.name(),
                        each.weight(),
                        each.normalizations().stream()
                            .map(n -> new Normalization(n.mean(), share * n.std()))
                            .toList(),
                        each.inverseTemperatures(),
                        each.calibration(),
                        each.heldOutMembers(),
                        each.heldOut()))
            .toList();
    ScoringSpec flat =
        new ScoringSpec(
            spec.kind(),
            spec.features(),
            spec.hiddenWidth(),
            spec.activation(),
            spec.trunk(),
            spec.promptTokens(),
            spec.ownBlocks(),
            spec.normalizations(),
            spec.inverseTemperatures(),
            spec.calibration(),
            spec.heldOutMembers(),
            spec.heldOut(),
            objectives);
    return new RewardTraining.Trained(
        new ScoringModel(flat, trained.model().heads()),
        trained.trunk(),
        trained.facts(),
        trained.golden(),
        trained.badRows());
  }

  @Test
  void whatDoesNotVaryIsRefused() {
    RewardData cancelled =
        new RewardData.Objectives(
            List.of(
                new Objective("ended", 1, "ended.jsonl", pairs()),
                new Objective("again", -1, "ended.jsonl", pairs())));
    assertThatThrownBy(() -> train(plan(), cancelled, false))
        .isInstanceOf(UnusableDataException.class)
        .hasMessageStartingWith(
            "the weighted sum of member 0 does not vary over what was learned from: standard"
                + " deviation ");

    List<Judgement> alike = new ArrayList<>();
    List<Judgement> contrary = new ArrayList<>();
    for (Judgement judgement : Semicolons.pairs(200, 2)) {
      Judgement.Pair pair = (Judgement.Pair) judgement;
      alike.add(new Judgement.Grade(pair.prompt(), pair.chosen(), 0, 1, pair.source()));
      contrary.add(pair);
      contrary.add(
          new Judgement.Pair(pair.prompt(), pair.rejected(), pair.chosen(), 0, 1, pair.source()));
    }
    String grades = "train part: all grades are alike, 0.0 (expected: some that differ)";
    assertThatThrownBy(() -> train(plan(), with(data(alike, "d2")), false))
        .isInstanceOf(UnusableDataException.class)
        .hasMessage("comma: " + grades);
    assertThatThrownBy(() -> train(plan(), new RewardData.Whole(data(alike, "d2")), false))
        .isInstanceOf(UnusableDataException.class)
        .hasMessage(grades);
    RewardPlan linear = plan(HeadForm.LINEAR, SplitBy.PROMPT);
    assertThatThrownBy(() -> train(linear, with(data(contrary, "d2")), false))
        .isInstanceOf(UnusableDataException.class)
        .hasMessageStartingWith("comma: the score of member 0 does not vary over what was learned");
  }
}
