package io.ballast.training.cost;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.onnx.CostBoundary;
import io.ballast.inference.onnx.CostScale;
import io.ballast.inference.onnx.GoldenScores;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ReliabilityBin;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.onnx.ScoringHeads.Head;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.store.DigestIndex;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.training.data.Judgement;
import io.ballast.training.data.PromptText;
import io.ballast.training.data.Source;
import io.ballast.training.reward.RewardTraining;
import io.ballast.training.reward.UnusableDataException;
import io.ballast.training.reward.VersionName;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From judgements of harm to a version that serves, on the decoder that comes along. */
class CostTrainingTest {
  @TempDir private Path folder = Path.of(".");

  @BeforeAll
  static void oneThread() {
    TorchRuntime.setThreads(1);
  }

  @Test
  void labelsAnchorTheZeroAndPairsOfOneKindTeachTheirOrder() throws Exception {
    RewardTraining.Trained trained = train(CostForm.SIGN_ANCHORED, Commas.pairs(450, 1, true));
    ScoringSpec spec = trained.model().spec();
    assertThat(spec.kind()).isEqualTo(ScoringKind.COST);
    assertThat(boundary(spec)).isEqualTo(CostBoundary.ZERO);
    assertThat(spec.heldOut().get("cautious_sign_accuracy")).isGreaterThan(0.9);
    assertThat(spec.heldOut().get("cautious_auc")).isGreaterThan(0.95);
    assertThat(spec.heldOut().get("cautious_within_prompt_accuracy"))
        .as("half of the pairs are of two safe or two unsafe completions")
        .isGreaterThan(0.85);
    assertThat(spec.calibration().orElseThrow().a()).isPositive();
    assertThat(trained.facts())
        .containsEntry("form", "sign-anchored")
        .containsEntry("loss", "order of the pairs and sign of each label (Safe RLHF, equation 6)")
        .hasEntrySatisfying("labels", fact -> assertThat(fact).matches(".* unsafe of .* measure"));
  }

  @Test
  void reliabilityIsOfAllThatIsMeasured() throws Exception {
    ScoringSpec spec = train(CostForm.SIGN_ANCHORED, Commas.pairs(450, 2, true)).model().spec();
    List<ReliabilityBin> bins = spec.cost().map(CostScale::reliability).orElseThrow();
    assertThat(bins).hasSizeGreaterThan(1);
    double measured = bins.stream().mapToInt(ReliabilityBin::completions).sum();
    assertThat(spec.heldOut()).containsEntry("completions", measured);
    assertThat(bins.getFirst().observed()).isLessThan(bins.getLast().observed());
  }

  @Test
  void withoutLabelsThereIsAnOrderAndNoBoundary() throws Exception {
    ScoringSpec spec = train(CostForm.BRADLEY_TERRY, Commas.pairs(300, 3, false)).model().spec();
    assertThat(boundary(spec)).isEqualTo(CostBoundary.NONE);
    assertThat(spec.calibration()).isEmpty();
    assertThat(spec.cost().map(CostScale::reliability).orElseThrow()).isEmpty();
    assertThat(spec.heldOut().get("cautious_within_prompt_accuracy")).isGreaterThan(0.85);
    assertThat(spec.heldOut()).doesNotContainKeys("cautious_sign_accuracy", "calibration_error");
    assertThat(spec.normalizations())
        .as("offsets are free: each mean is put at 0, so that the highest member is not always one")
        .allSatisfy(scale -> assertThat(scale.mean()).isCloseTo(0, within(1e-9)));
  }

  @Test
  void recentringMovesEachMemberByAConstantToWhereTheLabelsPart() throws Exception {
    List<Judgement> judgements = Commas.pairs(450, 4, true);
    RewardTraining.Trained ordered = train(CostForm.BRADLEY_TERRY, judgements);
    RewardTraining.Trained moved = train(CostForm.RECENTRED, judgements);
    assertThat(boundary(ordered.model().spec()))
        .as("the labels calibrate a probability, and leave the zero where it was")
        .isEqualTo(CostBoundary.PROBABILITY);
    assertThat(ordered.model().spec().calibration()).isPresent();
    assertThat(boundary(moved.model().spec())).isEqualTo(CostBoundary.ZERO);
    assertThat(moved.model().spec().heldOut().get("cautious_sign_accuracy")).isGreaterThan(0.85);
    for (int k = 0; k < 2; k++) {
      Head one = ordered.model().heads().heads().get(k);
      Head other = moved.model().heads().heads().get(k);
      assertThat(other.outputWeight()).isEqualTo(one.outputWeight());
      double shift =
          moved.model().spec().normalizations().get(k).mean()
              - ordered.model().spec().normalizations().get(k).mean();
      assertThat((double) other.outputBias() - one.outputBias()).isCloseTo(shift, within(1e-5));
    }
  }

  @Test
  void aPublishedVersionOpensSaysTheSameAndKnowsWhatItHasSeen() throws Exception {
    List<Judgement> judgements = Commas.pairs(300, 5, true);
    RewardTraining.Trained trained = train(CostForm.RECENTRED, judgements);
    CostPublisher publisher =
        new CostPublisher(new ModelStore(folder.resolve("models")), folder.resolve("work"));
    VersionName version = new VersionName("commas", "1");
    StoredModel published = publisher.publish(version, trained, judgements, "made by hand");
    GoldenScores golden = GoldenScores.read(published.folder()).orElseThrow();
    try (OnnxScorer scorer =
        OnnxScorer.open(Commas.TRUNK.folder(), published.folder(), folder.resolve("onnx"), 1)) {
      assertThat(scorer.spec()).isEqualTo(trained.model().spec());
      assertThat(
              scorer
                  .score(
                      List.of(
                          new ScoringGroup(
                              golden.items().getFirst().prompt(),
                              List.of(golden.items().getFirst().completion()))))
                  .getFirst())
          .singleElement()
          .isInstanceOfSatisfying(
              ScoreOutcome.Scored.class,
              // some processors multiply one row in another order than many
              scored ->
                  assertThat(scored.scores())
                      .zipSatisfy(
                          golden.items().getFirst().scores(),
                          (alone, inBatch) -> assertThat(alone).isCloseTo(inBatch, within(1e-5f))));
    }
    assertThat(published.folder().resolve("MODEL_CARD.md"))
        .content()
        .contains(
            "# commas",
            "Boundary: a score of 0: above it is harmful",
            "| form | recentred |",
            "## Whether the probability of harm comes true",
            "made by hand");

    Judgement.Pair first = (Judgement.Pair) judgements.getFirst();
    String prompt = ((PromptText.Plain) first.prompt()).text();
    DigestIndex prompts = DigestIndex.read(published.folder().resolve(DigestIndex.PROMPTS));
    DigestIndex labels = DigestIndex.read(published.folder().resolve(DigestIndex.LABELS));
    assertThat(prompts.contains(DigestIndex.ofPrompt(prompt))).isTrue();
    assertThat(prompts.contains(DigestIndex.ofPrompt(prompt + " "))).isFalse();
    assertThat(labels.contains(DigestIndex.ofLabel(prompt, first.chosen()))).isTrue();
    assertThat(labels.contains(DigestIndex.ofLabel(prompt, first.rejected()))).isTrue();
    assertThat(labels.contains(DigestIndex.ofLabel(prompt, "another"))).isFalse();
    assertThatThrownBy(() -> publisher.publish(version, trained, judgements, "again"))
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void labelsAloneAnchorTooButTeachNoOrder() throws Exception {
    List<Judgement> labels = new ArrayList<>();
    for (Judgement judgement : Commas.pairs(300, 6, true)) {
      Judgement.Pair pair = (Judgement.Pair) judgement;
      boolean unsafe = pair.safety().orElseThrow().chosenUnsafe();
      labels.add(
          new Judgement.Grade(pair.prompt(), pair.chosen(), unsafe ? 1 : 0, 1, pair.source()));
    }
    RewardTraining.Trained trained = train(CostForm.SIGN_ANCHORED, labels);
    assertThat(trained.facts()).containsEntry("loss", "sign of each label");
    assertThat(trained.model().spec().heldOut().get("cautious_sign_accuracy")).isGreaterThan(0.9);
    assertThatThrownBy(() -> train(CostForm.RECENTRED, labels))
        .isInstanceOf(UnusableDataException.class)
        .hasMessage(
            "no pairs (expected: some, of which recentred learns; sign-anchored learns from labels"
                + " alone too)");
  }

  @Test
  void whatDoesNotSayWhereSafeAndUnsafePartIsRefusedByName() {
    List<Judgement> harmless = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      harmless.add(
          new Judgement.Grade(
              new PromptText.Plain("int a" + i), " = 1;", 0, 1, new Source(i + 1, "", "")));
    }
    List<Judgement> unlabelled = Commas.pairs(200, 7, false);
    assertThatThrownBy(() -> train(CostForm.RECENTRED, unlabelled))
        .isInstanceOf(UnusableDataException.class)
        .hasMessage(
            "validation part: 0 of 0 labels are unsafe (expected: both kinds, to find where safe and"
                + " unsafe part)");
    assertThatThrownBy(() -> train(CostForm.SIGN_ANCHORED, unlabelled))
        .isInstanceOf(UnusableDataException.class)
        .hasMessageStartingWith("train part: 0 of 0 labels are unsafe (expected: both kinds, ");
    assertThatThrownBy(() -> train(CostForm.SIGN_ANCHORED, harmless))
        .isInstanceOf(UnusableDataException.class)
        .hasMessageContaining("all grades are alike");
  }

  @Test
  void theSameSeedMakesTheSame() throws Exception {
    List<Judgement> judgements = Commas.pairs(150, 8, true);
    assertThat(train(CostForm.RECENTRED, judgements).model().spec())
        .isEqualTo(train(CostForm.RECENTRED, judgements).model().spec());
  }

  private static CostBoundary boundary(ScoringSpec spec) {
    return spec.cost().map(CostScale::boundary).orElseThrow();
  }

  private RewardTraining.Trained train(CostForm form, List<Judgement> judgements) throws Exception {
    return Commas.train(form, 2, judgements, folder.resolve("work"));
  }
}
