package io.ballast.inference.onnx;

import static io.ballast.inference.onnx.TinyFolders.doubles;
import static io.ballast.inference.onnx.TinyFolders.gap;
import static io.ballast.inference.onnx.TinyFolders.tokens;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.FeatureOutcome.Extracted;
import io.ballast.inference.onnx.ScoreOutcome.Scored;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.DecoderConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A packed ONNX graph says what a decoder and its heads say of one completion at a time. */
class OnnxScorerTest {
  @TempDir Path folder;

  @Test
  void scoresEqualThePlainLoopsOfTheReference() throws IOException {
    for (DecoderConfig config : List.of(TinyFolders.GROUPED, TinyFolders.UNTIED)) {
      for (HeadActivation activation : HeadActivation.values()) {
        Path trunk = TinyFolders.trunk(folder.resolve("trunk-" + config.tiedHead()), config, 3);
        ScoringModel model = TinyFolders.heads(trunk, ScoringKind.COST, 3, activation, 5);
        Path scoring = folder.resolve("cost-" + config.tiedHead() + "/" + activation.ordinal());
        ScoringModelFolder.write(scoring, model, Map.of());
        ReferenceScorer reference = new ReferenceScorer(trunk);
        List<ScoringGroup> groups = groups(new SplittableRandom(11), 7);
        try (OnnxScorer scorer = OnnxScorer.open(trunk, scoring, folder.resolve("cache"), 1)) {
          List<List<ScoreOutcome>> outcomes = scorer.score(groups);
          for (int g = 0; g < groups.size(); g++) {
            for (int i = 0; i < groups.get(g).completions().size(); i++) {
              double[] expected =
                  reference.scores(
                      groups.get(g).prompt(), groups.get(g).completions().get(i), model);
              assertThat(gap(scores(outcomes.get(g).get(i)), expected)).isLessThan(1e-5);
            }
          }
        }
      }
    }
  }

  @Test
  void linearHeadsScoreAsThePlainLoopsOfTheReferenceAndAreReadBackAsTheyWere() throws IOException {
    Path trunk = TinyFolders.trunk(folder.resolve("trunk"), TinyFolders.GROUPED, 3);
    ScoringModel model =
        TinyFolders.heads(trunk, ScoringKind.REWARD_ENSEMBLE, 3, HeadActivation.TANH, 0, 5);
    Path scoring = folder.resolve("linear/1");
    ScoringModelFolder.write(scoring, model, Map.of());
    ReferenceScorer reference = new ReferenceScorer(trunk);
    List<ScoringGroup> groups = groups(new SplittableRandom(11), 7);
    try (OnnxScorer scorer = OnnxScorer.open(trunk, scoring, folder.resolve("cache"), 1)) {
      assertThat(scorer.spec()).isEqualTo(model.spec());
      List<List<ScoreOutcome>> outcomes = scorer.score(groups);
      for (int g = 0; g < groups.size(); g++) {
        for (int i = 0; i < groups.get(g).completions().size(); i++) {
          double[] expected =
              reference.scores(groups.get(g).prompt(), groups.get(g).completions().get(i), model);
          assertThat(gap(scores(outcomes.get(g).get(i)), expected)).isLessThan(1e-4);
        }
      }
    }
  }

  @Test
  void featuresAndLogProbsEqualThePlainLoopsOfTheReference() throws IOException {
    Path trunk = TinyFolders.trunk(folder.resolve("trunk"), TinyFolders.GROUPED, 3);
    ReferenceScorer reference = new ReferenceScorer(trunk);
    List<ScoringGroup> groups = groups(new SplittableRandom(12), 7);
    try (OnnxFeatureReader reader =
        OnnxFeatureReader.open(trunk, ScoringFeature.all(), folder.resolve("cache"), 1)) {
      List<List<FeatureOutcome>> outcomes = reader.read(groups);
      for (int g = 0; g < groups.size(); g++) {
        TokenIds prompt = groups.get(g).prompt();
        for (int i = 0; i < groups.get(g).completions().size(); i++) {
          TokenIds completion = groups.get(g).completions().get(i);
          Extracted extracted = (Extracted) outcomes.get(g).get(i);
          assertThat(
                  gap(
                      doubles(extracted.features().toArray()),
                      reference.features(prompt, completion)))
              .isLessThan(2e-5);
          assertThat(
                  gap(
                      doubles(extracted.logProbs().toArray()),
                      reference.logProbs(prompt, completion)))
              .isLessThan(1e-5);
        }
      }
    }
  }

  @Test
  void aScoreDoesNotDependOnItsSiblings() throws IOException {
    RandomGenerator random = new SplittableRandom(13);
    TokenIds cutPrompt = tokens(random, 60);
    TokenIds completion = tokens(random, 3);
    ScoringGroup alone = new ScoringGroup(cutPrompt, List.of(completion));
    ScoringGroup among =
        new ScoringGroup(
            cutPrompt, List.of(tokens(random, 20), tokens(random, 4), completion, completion));
    try (OnnxScorer scorer = scorer()) {
      ScoreOutcome first = scorer.score(List.of(alone)).getFirst().getFirst();
      List<ScoreOutcome> together = scorer.score(List.of(among)).getFirst();
      assertThat(gap(scores(together.get(2)), scores(first))).isLessThan(1e-5);
      assertThat(gap(scores(together.get(3)), scores(first))).isLessThan(1e-5);
    }
  }

  @Test
  void aLongPromptLosesItsLeftEndAndACompletionLosesNothing() throws IOException {
    RandomGenerator random = new SplittableRandom(14);
    TokenIds prompt = tokens(random, 100);
    TokenIds brief = tokens(random, 3);
    TokenIds lengthy = tokens(random, 31);
    try (OnnxScorer scorer = scorer()) {
      // context 32: the brief one leaves the reserve of 4 free, the lengthy one a single token
      List<List<ScoreOutcome>> outcomes =
          scorer.score(
              List.of(
                  new ScoringGroup(prompt, List.of(brief, lengthy)),
                  new ScoringGroup(prompt.last(28), List.of(brief)),
                  new ScoringGroup(prompt.last(1), List.of(lengthy))));
      assertThat(gap(scores(outcomes.get(0).get(0)), scores(outcomes.get(1).get(0))))
          .isLessThan(1e-5);
      assertThat(gap(scores(outcomes.get(0).get(1)), scores(outcomes.get(2).get(0))))
          .isLessThan(1e-5);
    }
  }

  @Test
  void whatCannotBeScoredFailsAloneAndSaysWhy() throws IOException {
    RandomGenerator random = new SplittableRandom(15);
    TokenIds prompt = tokens(random, 5);
    List<TokenIds> completions =
        List.of(
            tokens(random, 2),
            tokens(random, 32),
            TokenIds.of(1, 40),
            TokenIds.of(),
            TokenIds.of(1, -1));
    try (OnnxScorer scorer = scorer()) {
      List<List<ScoreOutcome>> outcomes =
          scorer.score(
              List.of(
                  new ScoringGroup(prompt, completions),
                  new ScoringGroup(TokenIds.of(), completions.subList(0, 1)),
                  new ScoringGroup(prompt, List.of())));
      assertThat(outcomes.get(0).getFirst()).isInstanceOf(Scored.class);
      assertThat(outcomes.get(0).subList(1, 5))
          .containsExactly(
              new Refusal(Refusal.Reason.TOO_LONG, "completions[1]: 32 tokens, limit 31"),
              new Refusal(
                  Refusal.Reason.INVALID_TOKEN, "completions[2][1]: 40 (expected: ≥ 0 and < 40)"),
              new Refusal(Refusal.Reason.EMPTY, "completions[3]: no tokens (expected: ≥ 1)"),
              new Refusal(
                  Refusal.Reason.INVALID_TOKEN, "completions[4][1]: -1 (expected: ≥ 0 and < 40)"));
      assertThat(outcomes.get(1))
          .containsExactly(new Refusal(Refusal.Reason.EMPTY, "prompt: no tokens (expected: ≥ 1)"));
      assertThat(outcomes.get(2)).isEmpty();
      assertThat(scorer.score(List.of())).isEmpty();
    }
  }

  @Test
  void aScoreThatIsNotFiniteIsRefusedAndNeverGivenOut() throws IOException {
    Path trunk = TinyFolders.trunk(folder.resolve("trunk"), TinyFolders.GROUPED, 3);
    ScoringModel model = TinyFolders.heads(trunk, ScoringKind.COST, 2, HeadActivation.TANH, 5);
    float[] huge = new float[8];
    Arrays.fill(huge, Float.MAX_VALUE);
    ScoringHeads.Head finite = model.heads().heads().getFirst();
    float[] saturated = new float[finite.hiddenWeight().length];
    float[] ones = new float[8];
    Arrays.fill(ones, 20);
    ScoringHeads heads =
        new ScoringHeads(
            model.heads().featureMean(),
            model.heads().featureStd(),
            List.of(finite, new ScoringHeads.Head(saturated, ones, huge, 0)));
    Path scoring = folder.resolve("cost/1");
    ScoringModelFolder.write(scoring, new ScoringModel(model.spec(), heads), Map.of());
    try (OnnxScorer scorer = OnnxScorer.open(trunk, scoring, folder.resolve("cache"), 1)) {
      ScoreOutcome outcome =
          scorer
              .score(List.of(new ScoringGroup(TokenIds.of(1), List.of(TokenIds.of(2)))))
              .getFirst()
              .getFirst();
      assertThat(outcome)
          .isEqualTo(
              new Refusal(Refusal.Reason.NOT_FINITE, "scores[1]: Infinity (expected: finite)"));
    }
  }

  /**
   * Makes the numbers of texts with token 39 overflow in the first layer; all weights are finite.
   */
  private static void spoil(Path trunk) throws IOException {
    Path file = trunk.resolve(ModelManifest.WEIGHTS);
    SafetensorsFile weights = SafetensorsFile.open(file);
    List<Content> contents = new ArrayList<>();
    for (String name : weights.names()) {
      List<Long> shape = weights.shape(name);
      float[] values = weights.read(name, shape);
      if (name.equals("model.embed_tokens.weight")) {
        for (int id = 0; id < 40; id++) {
          values[id * 16] = id == 39 ? 1 : 0;
        }
      } else if (name.equals("model.layers.0.input_layernorm.weight")) {
        values[0] = Float.MAX_VALUE;
      }
      contents.add(new Content(name, WeightType.FLOAT32, shape, () -> values));
    }
    SafetensorsFile.write(file, contents, Map.of());
    var unused = ModelManifest.write(trunk, Map.of());
  }

  @Test
  void aCompletionWhoseNumbersOverflowFailsAloneAmongItsSiblingsAndNeighbours() throws IOException {
    Path trunk = TinyFolders.trunk(folder.resolve("trunk"), TinyFolders.GROUPED, 3);
    spoil(trunk);
    Path scoring = folder.resolve("cost/1");
    ScoringModelFolder.write(
        scoring, TinyFolders.heads(trunk, ScoringKind.COST, 2, HeadActivation.TANH, 5), Map.of());
    List<ScoringGroup> groups =
        List.of(
            new ScoringGroup(
                TokenIds.of(1, 2, 3),
                List.of(TokenIds.of(4, 5), TokenIds.of(6, 39, 7), TokenIds.of(8))),
            new ScoringGroup(TokenIds.of(1, 2), List.of(TokenIds.of(9, 10))),
            new ScoringGroup(TokenIds.of(39, 2), List.of(TokenIds.of(9, 10))));
    try (OnnxScorer scorer = OnnxScorer.open(trunk, scoring, folder.resolve("cache"), 1)) {
      List<List<ScoreOutcome>> together = scorer.score(groups);
      for (ScoringGroup group : groups) {
        for (int i = 0; i < group.completions().size(); i++) {
          ScoreOutcome outcome = together.get(groups.indexOf(group)).get(i);
          TokenIds completion = group.completions().get(i);
          if (group.prompt().get(0) == 39 || i == 1) {
            assertThat(outcome)
                .isEqualTo(
                    new Refusal(Refusal.Reason.NOT_FINITE, "scores[0]: NaN (expected: finite)"));
          } else {
            ScoreOutcome alone =
                scorer
                    .score(List.of(new ScoringGroup(group.prompt(), List.of(completion))))
                    .getFirst()
                    .getFirst();
            assertThat(gap(scores(outcome), scores(alone))).isLessThan(1e-5);
          }
        }
      }
    }
  }

  @Test
  void aNanWeightOfTheTrunkIsNamed() throws IOException {
    Path trunk = TinyFolders.trunk(folder.resolve("trunk"), TinyFolders.GROUPED, 3);
    Path file = trunk.resolve(ModelManifest.WEIGHTS);
    byte[] bytes = Files.readAllBytes(file);
    // the last tensor of the file is the last norm: 16 numbers
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(bytes.length - 8, Float.NaN);
    Files.write(file, bytes);
    var unused = ModelManifest.write(trunk, Map.of());
    Path scoring = folder.resolve("cost/1");
    ScoringModelFolder.write(
        scoring, TinyFolders.heads(trunk, ScoringKind.COST, 2, HeadActivation.TANH, 5), Map.of());
    assertThatThrownBy(() -> OnnxScorer.open(trunk, scoring, folder.resolve("cache"), 1))
        .isInstanceOfSatisfying(
            ModelException.class,
            e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.CORRUPT_WEIGHTS))
        .hasMessageEndingWith("tensor model.norm.weight[14]: NaN (expected: finite)");
    try (var names = Files.walk(folder.resolve("cache"))) {
      assertThat(names.filter(path -> path.endsWith("model.onnx"))).isEmpty();
    }
  }

  @Test
  void theCacheIsATritonRepositoryThatIsReusedUntilItIsDamaged() throws IOException {
    scorer().close();
    Path entry = folder.resolve("cache/java-cost-1");
    Path model = entry.resolve("1/model.onnx");
    assertThat(Files.readString(entry.resolve("config.pbtxt")))
        .contains("name: \"java-cost-1\"", "backend: \"onnxruntime\"", "max_batch_size: 0")
        .contains("input [ { name: \"attention_mask\" data_type: TYPE_BOOL dims: [-1, -1, -1] } ]")
        .contains("output [ { name: \"scores\" data_type: TYPE_FP32 dims: [-1, 3] } ]");
    FileTime longAgo = FileTime.fromMillis(0);
    Files.setLastModifiedTime(model, longAgo);

    scorer().close();
    assertThat(Files.getLastModifiedTime(model)).isEqualTo(longAgo);

    Files.writeString(model, "cut short");
    try (OnnxScorer scorer = scorer()) {
      assertThat(scorer.score(groups(new SplittableRandom(1), 2))).hasSize(2);
    }
    try (var names = Files.list(folder.resolve("cache"))) {
      assertThat(names.map(path -> path.getFileName().toString())).containsExactly("java-cost-1");
    }
  }

  @Test
  void headsOfAnotherTrunkAreRefused() throws IOException {
    scorer().close();
    Path other = TinyFolders.trunk(folder.resolve("other"), TinyFolders.GROUPED, 4);
    Path scoring = folder.resolve("java-cost/1");
    assertThatThrownBy(() -> OnnxScorer.open(other, scoring, folder.resolve("cache"), 1))
        .isInstanceOfSatisfying(
            ModelException.class,
            e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.INVALID_FOLDER))
        .hasMessageContaining("trunk.weights_sha256");
  }

  @Test
  void manyThreadsGetTheSameAnswers() throws Exception {
    List<ScoringGroup> groups = groups(new SplittableRandom(16), 6);
    try (OnnxScorer scorer = scorer();
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<List<ScoreOutcome>> expected = scorer.score(groups);
      Callable<List<List<ScoreOutcome>>> call = () -> scorer.score(groups);
      List<Callable<List<List<ScoreOutcome>>>> calls = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        calls.add(call);
      }
      for (Future<List<List<ScoreOutcome>>> answer : threads.invokeAll(calls)) {
        assertThat(answer.get()).isEqualTo(expected);
      }
    }
  }

  @Test
  void aClosedScorerSaysSo() throws IOException {
    OnnxScorer scorer = scorer();
    scorer.close();
    scorer.close();
    assertThatThrownBy(() -> scorer.score(groups(new SplittableRandom(1), 1)))
        .isInstanceOfSatisfying(
            ModelException.class,
            e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.CLOSED));
  }

  @Test
  void aModelThatFailsItsFirstRunIsClosed() throws IOException {
    Path trunk = TinyFolders.trunk(folder.resolve("trunk"), TinyFolders.GROUPED, 3);
    ScoringSpec spec = TinyFolders.heads(trunk, ScoringKind.COST, 3, HeadActivation.TANH, 5).spec();
    OnnxGraph graph = new OnnxGraph("other");
    String numbers = graph.input("numbers", DataType.FLOAT, "B", "T");
    graph.output(ScoringGraph.SCORES, graph.apply("Neg", numbers), "B", "T");
    Path file = folder.resolve("other.onnx");
    Files.write(file, graph.model().toByteArray());
    PackedSession session = new PackedSession(file, OnnxScorer.packing(TrunkFolder.open(trunk)), 1);

    assertThatThrownBy(() -> OnnxScorer.warmed(spec, session))
        .isInstanceOfSatisfying(
            ModelException.class,
            e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.BROKEN));

    ScoringGroup any = new ScoringGroup(TokenIds.of(0), List.of(TokenIds.of(0)));
    assertThatThrownBy(
            () ->
                session.each(
                    List.of(any), List.of(ScoringGraph.SCORES), refusal -> "", values -> ""))
        .isInstanceOfSatisfying(
            ModelException.class,
            e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.CLOSED));
  }

  private OnnxScorer scorer() throws IOException {
    Path trunk = folder.resolve("trunk");
    Path scoring = folder.resolve("java-cost/1");
    if (!Files.exists(scoring)) {
      TinyFolders.trunk(trunk, TinyFolders.GROUPED, 3);
      ScoringModel model = TinyFolders.heads(trunk, ScoringKind.COST, 3, HeadActivation.TANH, 5);
      ScoringModelFolder.write(scoring, model, Map.of());
    }
    return OnnxScorer.open(trunk, scoring, folder.resolve("cache"), 1);
  }

  /** Groups whose sizes make several rows, with padding. */
  private static List<ScoringGroup> groups(RandomGenerator random, int count) {
    List<ScoringGroup> groups = new ArrayList<>();
    for (int g = 0; g < count; g++) {
      List<TokenIds> completions = new ArrayList<>();
      for (int i = 0; i <= g; i++) {
        completions.add(tokens(random, random.nextInt(1, 8)));
      }
      groups.add(new ScoringGroup(tokens(random, random.nextInt(1, 20)), completions));
    }
    return groups;
  }

  private static double[] scores(ScoreOutcome outcome) {
    return ((Scored) outcome).scores().stream().mapToDouble(Float::doubleValue).toArray();
  }
}
