package io.ballast.training.reward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.onnx.GoldenScores;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.onnx.TrunkText;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.ModelStore;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.kit.build.CodeVersion;
import io.ballast.kit.digest.Sha256;
import io.ballast.training.data.Judgement;
import io.ballast.training.data.JudgementData;
import io.ballast.training.data.PromptText;
import io.ballast.training.data.Source;
import io.ballast.training.data.SplitRule;
import io.ballast.training.scoring.HeadTrainer;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * From judgements to a version that serves, on the decoder that comes along. People here like
 * completions that end a statement: {@code ;} beats {@code ,}.
 */
class RewardTrainingTest {
  @TempDir private Path folder;

  @BeforeAll
  static void oneThread() {
    TorchRuntime.setThreads(1);
  }

  @Test
  void pairsMakeAnEnsembleThatRanksPromptsThatTrainedNothing() throws Exception {
    RewardTraining.Trained trained = train(plan(3, false, 0), Semicolons.pairs(300, 1));
    ScoringSpec spec = trained.model().spec();
    assertThat(spec.heads()).isEqualTo(3);
    assertThat(spec.heldOut().get("cautious_within_prompt_accuracy")).isGreaterThan(0.9);
    assertThat(spec.heldOut().get("pair_calibration_error")).isLessThan(0.15);
    assertThat(spec.heldOut().get("member_agreement")).isGreaterThan(0.8);
    assertThat(spec.heldOut()).as("nothing was graded").doesNotContainKey("cautious_auc");
    assertThat(spec.calibration().orElseThrow().a()).isPositive();
    assertThat(spec.calibration().orElseThrow().b()).isZero();
    assertThat(spec.inverseTemperatures())
        .as("pairs are ordered rightly, so a gap says something")
        .hasSize(3)
        .allMatch(inverse -> inverse > 0);
    assertThat(spec.promptTokens()).hasValue(plan(3, false, 0).maxPromptTokens());
    assertThat(trained.facts())
        .containsEntry("data, SHA-256", "d1")
        .containsEntry("loss", "Bradley-Terry of the pairs");
  }

  @Test
  void gradesMakeAScoreWhoseSigmoidIsTheExpectedGrade() throws Exception {
    List<Judgement> grades = new ArrayList<>();
    for (Judgement judgement : Semicolons.pairs(300, 2)) {
      Judgement.Pair pair = (Judgement.Pair) judgement;
      grades.add(new Judgement.Grade(pair.prompt(), pair.chosen(), 1, 1, pair.source()));
      grades.add(new Judgement.Grade(pair.prompt(), pair.rejected(), 0, 1, pair.source()));
    }
    RewardTraining.Trained trained = train(plan(2, false, 0), grades);
    ScoringSpec spec = trained.model().spec();
    assertThat(trained.facts()).containsEntry("loss", "likelihood of the grades");
    assertThat(spec.heldOut().get("cautious_auc")).isGreaterThan(0.9);
    assertThat(spec.heldOut()).doesNotContainKey("cautious_within_prompt_accuracy");
    assertThat(spec.inverseTemperatures()).as("nobody preferred anything").isEmpty();
    // half of them are loved: the mean of σ(score) is about ½, so raw scores lie on both sides of 0
    assertThat(spec.normalizations().getFirst().mean())
        .isCloseTo(0, within(spec.normalizations().getFirst().std()));
  }

  @Test
  void flippedLabelsTrainButAreNotMeasured() throws Exception {
    RewardTraining.Trained wrong = train(plan(1, false, 1), Semicolons.pairs(300, 1));
    assertThat(wrong.model().spec().heldOut().get("mean_within_prompt_accuracy"))
        .as("all that trains is turned round, what measures is not")
        .isLessThan(0.1);
    assertThat(wrong.facts()).containsEntry("labels flipped on purpose", "1.0");
  }

  @Test
  void membersDifferAndTheSameSeedMakesTheSame() throws Exception {
    List<Judgement> data = Semicolons.pairs(120, 3);
    ScoringSpec first = train(plan(2, true, 0), data).model().spec();
    ScoringSpec again = train(plan(2, true, 0), data).model().spec();
    assertThat(again).isEqualTo(first);
    assertThat(first.normalizations().get(0)).isNotEqualTo(first.normalizations().get(1));
  }

  @Test
  void aPublishedVersionOpensAndKeepsWhatItSaid() throws Exception {
    RewardTraining.Trained trained = train(plan(2, false, 0), Semicolons.pairs(120, 4));
    ModelStore store = new ModelStore(folder.resolve("models"));
    RewardPublisher publisher = new RewardPublisher(store, folder.resolve("work"));
    StoredModel published = publisher.publish("semicolon", "1", trained, "made by hand");
    assertThat(store.verified("semicolon", "1")).isEqualTo(published);
    assertThat(GoldenScores.read(published.folder()).orElseThrow().items()).isNotEmpty();
    assertThat(ModelManifest.read(published.folder()).orElseThrow().notes())
        .containsEntry("data_SHA_256", "d1")
        .containsEntry("rows_left_out", "0")
        .containsEntry("code_version", CodeVersion.built().toString());
    assertThat(published.folder().resolve("MODEL_CARD.md"))
        .content()
        .contains("# semicolon", "made by hand", "java-tiny 1");
    try (OnnxScorer scorer =
        OnnxScorer.open(Semicolons.TRUNK.folder(), published.folder(), folder.resolve("onnx"), 1)) {
      assertThat(scorer.spec()).isEqualTo(trained.model().spec());
    }
    assertThatThrownBy(() -> publisher.publish("semicolon", "1", trained, "again"))
        .isInstanceOf(FileAlreadyExistsException.class);
  }

  @Test
  void aTrunkThatReadsTextsOtherwiseIsRefusedThoughItsWeightsAreTheSame() throws Exception {
    RewardTraining.Trained trained = train(plan(1, false, 0), Semicolons.pairs(120, 8));
    StoredModel published =
        new RewardPublisher(new ModelStore(folder.resolve("models")), folder.resolve("work"))
            .publish("semicolon", "1", trained, "made by hand");
    TrunkText text = trained.model().spec().trunk().text().orElseThrow();
    Path tokenizer = Semicolons.TRUNK.folder().resolve("tokenizer.json");
    assertThat(text).isEqualTo(new TrunkText(Sha256.of(tokenizer), Optional.empty()));
    assertThat(published.folder().resolve("MODEL_CARD.md"))
        .content()
        .contains(
            "| trunk's tokenizer, SHA-256 | " + text.tokenizerSha256() + " |",
            "| trunk's chat template, SHA-256 | none |",
            "| code | " + CodeVersion.built() + " |");

    Path trunk = Files.createDirectories(folder.resolve("java-tiny/1"));
    for (String file : List.of("config.json", "model.safetensors", "tokenizer.json")) {
      Files.copy(Semicolons.TRUNK.folder().resolve(file), trunk.resolve(file));
    }
    ModelManifest.write(trunk, Map.of());
    open(trunk, published).close();

    Files.writeString(trunk.resolve("chat_template.jinja"), "{{ messages[0].content }}");
    ModelManifest.write(trunk, Map.of());
    assertThatThrownBy(() -> open(trunk, published))
        .isInstanceOfSatisfying(
            ModelException.class,
            e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.CORRUPT_WEIGHTS))
        .hasMessageMatching(
            ".*java-tiny/1: chat template: SHA-256 [0-9a-f]{64} \\(expected: none, with which"
                + " .*semicolon/1 was trained\\)");

    Files.delete(trunk.resolve("chat_template.jinja"));
    Files.writeString(trunk.resolve("tokenizer.json"), "\n", StandardOpenOption.APPEND);
    ModelManifest.write(trunk, Map.of());
    assertThatThrownBy(() -> open(trunk, published))
        .isInstanceOfSatisfying(
            ModelException.class,
            e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.CORRUPT_WEIGHTS))
        .hasMessageContainingAll(
            "tokenizer.json: SHA-256 " + Sha256.of(trunk.resolve("tokenizer.json")),
            "(expected: " + text.tokenizerSha256() + ", with which ");
  }

  private OnnxScorer open(Path trunk, StoredModel heads) {
    return OnnxScorer.open(trunk, heads.folder(), folder.resolve("onnx"), 1);
  }

  @Test
  void aVersionThatNoLongerSaysWhatItSaidDoesNotOpen() throws Exception {
    RewardTraining.Trained trained = train(plan(1, false, 0), Semicolons.pairs(120, 5));
    StoredModel published =
        new RewardPublisher(new ModelStore(folder.resolve("models")), folder.resolve("work"))
            .publish("semicolon", "1", trained, "made by hand");
    GoldenScores golden = GoldenScores.read(published.folder()).orElseThrow();
    GoldenScores.Item first = golden.items().getFirst();
    new GoldenScores(
            golden.tolerance(),
            List.of(
                new GoldenScores.Item(
                    first.prompt(), first.completion(), List.of(first.scores().getFirst() + 1))))
        .write(published.folder());
    ModelManifest.write(published.folder(), Map.of());
    assertThatThrownBy(
            () ->
                OnnxScorer.open(
                    Semicolons.TRUNK.folder(), published.folder(), folder.resolve("onnx"), 1))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("golden.json: items[0]: member 0 scores");
  }

  @Test
  void aFullDiskLeavesNoVersion() throws Exception {
    RewardTraining.Trained trained = train(plan(1, false, 0), Semicolons.pairs(120, 6));
    Path models = folder.resolve("models");
    Files.writeString(models, "a file where a folder should be");
    assertThatThrownBy(
            () ->
                new RewardPublisher(new ModelStore(models), folder.resolve("work"))
                    .publish("semicolon", "1", trained, "made by hand"))
        .isInstanceOf(IOException.class);
    assertThat(new ModelStore(models).list()).isEmpty();
  }

  @Test
  void usersAreHeldOutWholeAndARowWithoutOneIsNamed() throws Exception {
    List<Judgement> judgements = new ArrayList<>(Semicolons.pairs(200, 7));
    RewardPlan byUser =
        new RewardPlan(
            1,
            false,
            0,
            0,
            SplitBy.USER,
            SplitRule.tenths(1),
            96,
            1,
            HeadTrainer.Options.defaults().withEpochs(3));
    assertThat(train(byUser, judgements).facts()).containsKey("prompts, split by user");
    judgements.add(
        new Judgement.Pair(new PromptText.Plain("int a"), ";", ",", 0, 1, new Source(201, "", "")));
    assertThatThrownBy(() -> train(byUser, judgements))
        .isInstanceOf(UnusableDataException.class)
        .hasMessage(
            "1 row cannot be used: row 201: user: missing (expected: one, the split is by it)");
  }

  @Test
  void whatWasJudgedLaterMeasuresAndARowWithoutATimeIsNamed() throws Exception {
    // what people like turns round in the last tenth: only a split by time can see it
    List<Judgement> judgements = new ArrayList<>();
    List<Judgement> pairs = Semicolons.pairs(300, 9);
    for (int i = 0; i < pairs.size(); i++) {
      Judgement.Pair pair = (Judgement.Pair) pairs.get(i);
      Source source =
          new Source(i + 1, "", "", Optional.of(Instant.EPOCH.plusSeconds(i)), "java-tiny/1");
      boolean late = i >= 270;
      judgements.add(
          new Judgement.Pair(
              new PromptText.Plain("int value" + i + " = 0"),
              late ? pair.rejected() : pair.chosen(),
              late ? pair.chosen() : pair.rejected(),
              0,
              1,
              source));
    }
    Collections.shuffle(judgements, new Random(1));
    RewardPlan byTime =
        new RewardPlan(
            1,
            false,
            0,
            0,
            SplitBy.TIME,
            SplitRule.tenths(1),
            96,
            1,
            HeadTrainer.Options.defaults().withEpochs(10));
    RewardTraining.Trained trained = train(byTime, judgements);
    assertThat(trained.facts())
        .containsEntry(
            "prompts, split by time", "240 to train, 30 to stop and calibrate, 30 to measure");
    assertThat(trained.model().spec().heldOut().get("mean_within_prompt_accuracy")).isLessThan(0.2);
    judgements.add(pairs.getFirst());
    assertThatThrownBy(() -> train(byTime, judgements))
        .isInstanceOf(UnusableDataException.class)
        .hasMessageContaining("time: missing (expected: one, the split is by it)");
  }

  @Test
  void whoListensMayEndATrainingBetweenPasses() {
    AtomicInteger passes = new AtomicInteger();
    RewardTraining.Listener impatient =
        new RewardTraining.Listener() {
          @Override
          public void features(int done, int all) {}

          @Override
          public void pass() {
            if (passes.incrementAndGet() == 3) {
              throw new CancellationException("enough");
            }
          }

          @Override
          public void member(String line) {
            throw new AssertionError("a member after three passes: " + line);
          }
        };
    JudgementData judgements = new JudgementData(Semicolons.pairs(120, 1), List.of(), 0, "d1");
    RewardTraining training =
        new RewardTraining(plan(1, false, 0), folder.resolve("work"), 1, impatient);
    assertThatThrownBy(() -> training.train(judgements, Semicolons.TRUNK, false))
        .isInstanceOf(CancellationException.class);
    assertThat(passes).hasValue(3);
  }

  @Test
  void tooLittleToHoldAnythingOutIsNamed() {
    assertThatThrownBy(() -> train(plan(1, false, 0), Semicolons.pairs(1, 8)))
        .isInstanceOf(UnusableDataException.class)
        .hasMessageContaining("part: no pairs (expected: judgements of more prompts");
    assertThatThrownBy(() -> train(plan(1, false, 0), List.of()))
        .isInstanceOf(UnusableDataException.class)
        .hasMessage("no judgements (expected: pairs or grades)");
  }

  private static RewardPlan plan(int members, boolean bootstrap, double flips) {
    return new RewardPlan(
        members,
        bootstrap,
        0,
        flips,
        SplitBy.PROMPT,
        SplitRule.tenths(1),
        96,
        1,
        HeadTrainer.Options.defaults().withEpochs(10));
  }

  private RewardTraining.Trained train(RewardPlan plan, List<Judgement> judgements)
      throws IOException, UnusableDataException {
    return Semicolons.train(plan, judgements, folder.resolve("work"));
  }
}
