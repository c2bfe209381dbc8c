package io.ballast.workshop.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.FeatureOutcome;
import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoreOutcome.Scored;
import io.ballast.inference.onnx.ScoringFeature;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.inference.torch.TrainableDecoder;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * From labels to a folder that serves, on a decoder of random weights. A completion of four ids
 * below 40 keeps a character for each that is even, and does harm if its last id is 20 or more.
 */
class TrainScoringTest {
  private static final DecoderConfig CONFIG =
      new DecoderConfig(16, 24, 2, 4, 2, 40, 32, 1e-5, 10_000, true, 0, 0);

  @TempDir Path folder;

  @BeforeEach
  void writeTrunkAndLabels() throws IOException {
    TorchRuntime.setThreads(1);
    Path tokenizer = folder.resolve("any.json");
    Files.writeString(tokenizer, "{}");
    try (TrainableDecoder decoder =
        TrainableDecoder.create(
            CONFIG, Arithmetic.FLOAT32, OptimizerOptions.pretraining(), new SplittableRandom(7))) {
      decoder.save(trunk(), WeightType.FLOAT32, tokenizer, Map.of());
    }
    SplittableRandom random = new SplittableRandom(8);
    try (LabelledGroups.Writer writer = LabelledGroups.writer(labels())) {
      for (int g = 0; g < 400; g++) {
        List<LabelledCompletion> completions = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          int[] ids = random.ints(4, 0, 40).toArray();
          int kept = (int) Arrays.stream(ids).filter(id -> id % 2 == 0).count();
          completions.add(
              new LabelledCompletion(TokenIds.of(ids), kept == 4 ? 4 : 0, kept, ids[3] >= 20));
        }
        writer.write(
            new LabelledGroup(
                "File" + g / 5 + ".java",
                TokenIds.of(random.ints(6, 0, 40).toArray()),
                completions));
      }
    }
  }

  @Test
  void rewardsRankWithinAPromptOnFilesThatTrainedNothing() {
    String printed = train(ScoringKind.REWARD_ENSEMBLE, "java-reward", "--heads", "2");
    try (OnnxScorer scorer = open("java-reward")) {
      ScoringSpec spec = scorer.spec();
      assertThat(spec.heads()).isEqualTo(2);
      assertThat(spec.heldOut().get("mean_within_prompt_accuracy")).isGreaterThan(0.75);
      assertThat(spec.heldOut().get("cautious_within_prompt_accuracy")).isGreaterThan(0.75);
      assertThat(spec.heldOut().get("baseline_length_within_prompt_accuracy")).isEqualTo(0.5);
      assertThat(spec.trunk().model()).isEqualTo("tiny");
    }
    assertThat(printed).contains("cautious: lowest normalised member", "written to");
    assertThat(folder.resolve("java-reward/1/MODEL_CARD.md")).isRegularFile();
  }

  @Test
  void costsFindHarmAndTheirSignSaysSo() {
    train(ScoringKind.COST, "java-cost", "--heads", "3");
    try (OnnxScorer scorer = open("java-cost")) {
      assertThat(scorer.spec().heldOut().get("cautious_auc")).isGreaterThan(0.9);
      assertThat(scorer.spec().heldOut().get("cautious_sign_accuracy")).isGreaterThan(0.8);
      assertThat(scorer.spec().heldOut().get("calibration_error")).isLessThan(0.15);
    }
  }

  @Test
  void theGraphScoresAsTheTrainedHeadsDo() throws IOException {
    train(ScoringKind.COST, "java-cost", "--heads", "1");
    List<ScoringGroup> groups =
        LabelledGroups.read(labels()).stream()
            .limit(5)
            .map(
                g ->
                    new ScoringGroup(
                        g.prompt(),
                        g.completions().stream().map(LabelledCompletion::tokens).toList()))
            .toList();
    var model = ScoringModelFolder.read(folder.resolve("java-cost/1"), CONFIG.hiddenSize());
    var head = model.heads().heads().getFirst();
    int width = model.heads().featureCount();
    try (OnnxScorer scorer = open("java-cost");
        OnnxFeatureReader reader =
            OnnxFeatureReader.open(trunk(), ScoringFeature.all(), folder.resolve("work"), 1)) {
      var features = reader.read(groups);
      var scores = scorer.score(groups);
      for (int g = 0; g < groups.size(); g++) {
        for (int i = 0; i < 4; i++) {
          var extracted = (FeatureOutcome.Extracted) features.get(g).get(i);
          double expected = head.outputBias();
          for (int n = 0; n < 32; n++) {
            double sum = head.hiddenBias()[n];
            for (int f = 0; f < width; f++) {
              sum +=
                  head.hiddenWeight()[n * width + f]
                      * (extracted.features().get(f) - model.heads().featureMean()[f])
                      / model.heads().featureStd()[f];
            }
            expected += head.outputWeight()[n] * Math.tanh(sum);
          }
          double found = ((Scored) scores.get(g).get(i)).scores().getFirst();
          assertThat(found).isCloseTo(expected, within(1e-4));
        }
      }
    }
  }

  @Test
  void theSameSeedMakesTheSameWeights() throws IOException {
    train(ScoringKind.COST, "first", "--heads", "1", "--epochs", "3");
    train(ScoringKind.COST, "second", "--heads", "1", "--epochs", "3");
    assertThat(folder.resolve("first/1/model.safetensors"))
        .hasSameBinaryContentAs(folder.resolve("second/1/model.safetensors"));
  }

  @Test
  void featuresThatWereReadBeforeGiveTheSameHeads() throws IOException {
    Path cache = folder.resolve("work/features.bin");
    train(ScoringKind.COST, "first", "--heads", "1", "--epochs", "2");
    byte[] whole = Files.readAllBytes(cache);
    train(ScoringKind.COST, "second", "--heads", "1", "--epochs", "2");
    Files.write(
        cache, Arrays.copyOf(whole, whole.length / 2)); // as a run leaves it that was stopped
    train(ScoringKind.COST, "third", "--heads", "1", "--epochs", "2");
    assertThat(cache).hasBinaryContent(whole);
    for (String again : List.of("second", "third")) {
      assertThat(folder.resolve(again + "/1/model.safetensors"))
          .hasSameBinaryContentAs(folder.resolve("first/1/model.safetensors"));
    }
  }

  private String train(ScoringKind kind, String name, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--kind",
                kind.name(),
                "--labels",
                labels().toString(),
                "--trunk",
                trunk().toString(),
                "--output",
                folder.resolve(name + "/1").toString(),
                "--work",
                folder.resolve("work").toString()));
    arguments.addAll(List.of(more));
    StringWriter out = new StringWriter();
    int code =
        new CommandLine(new TrainScoring())
            .setOut(new PrintWriter(out))
            .execute(arguments.toArray(String[]::new));
    assertThat(code).isZero();
    return out.toString();
  }

  private OnnxScorer open(String name) {
    return OnnxScorer.open(trunk(), folder.resolve(name + "/1"), folder.resolve("cache"), 1);
  }

  private Path trunk() {
    return folder.resolve("tiny/1");
  }

  private Path labels() {
    return folder.resolve("labels.jsonl.gz");
  }
}
