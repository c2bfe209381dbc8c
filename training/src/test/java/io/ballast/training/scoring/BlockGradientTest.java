package io.ballast.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.OnnxFeatureReader;
import io.ballast.inference.onnx.ScoringFeature;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.inference.torch.TrainableBlocks;
import io.ballast.rl.preference.BradleyTerryLoss;
import io.ballast.training.scoring.JudgedGroup.Preference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The gradient that trains a member's blocks and head is what its loss does when a weight moves a
 * little: the whole way from the loss through the head, the standardised features and the states of
 * the right completions into the decoder's block. A chain that is wrong anywhere on the way would
 * still learn something, and no test of learning could tell.
 */
class BlockGradientTest {
  private static final Path TRUNK = Path.of("../models/java-tiny/1");
  private static final double SCORE_DECAY = 0.05;

  /**
   * Of a block's weight: far above what 32 bits lose of a loss, far below where it bends. Measured
   * with it: the gradients differ from the differences by at most 0.0008 of them.
   */
  private static final float STEP = 0.02f;

  /** Adam's ε so large that a step is along the gradient itself: Δθ = −η/ε·g, to a millionth. */
  private static final double EPSILON = 1e4;

  private static final double STEP_PER_GRADIENT = 10;

  @TempDir private Path folder;

  private final int[] groups = {0, 1, 2};
  private OnnxFeatureReader reader;
  private FeatureTable table;
  private HeadNetwork network;

  @BeforeEach
  void read() {
    TorchRuntime.setThreads(1);
    reader = OnnxFeatureReader.open(TRUNK, ScoringFeature.all(), folder.resolve("onnx"), 1);
    List<JudgedGroup> judged =
        List.of(
            group(
                1,
                30,
                new int[] {3, 7, 1},
                new Preference(2, 0, 0.3, 1),
                new Preference(0, 1, 0, 2)),
            // each completion leaves room for another part of the prompt: two rows, longest first
            group(2, 250, new int[] {2, 25}, new Preference(1, 0, 0, 1)),
            group(3, 12, new int[] {4, 4}, new Preference(0, 1, 0.1, 0.5)));
    FeatureTable whole = FeatureTable.read(reader, judged, done -> {});
    table =
        whole.only(
            ScoringFeature.all(),
            ScoringFeature.withoutLikelihoods(),
            DecoderConfig.read(TRUNK).hiddenSize());
    network = new HeadNetwork(table.width(), 8, new SplittableRandom(4));
    int first = table.width() * 8 + 8;
    for (int n = 0; n < 8; n++) { // scores of the size of 1, so that the loss is steep
      network.parameters()[first + n] *= 20;
    }
  }

  @AfterEach
  void close() {
    reader.close();
  }

  private static JudgedGroup group(
      long seed, int promptTokens, int[] completionTokens, Preference... preferences) {
    SplittableRandom random = new SplittableRandom(seed);
    List<TokenIds> completions = new ArrayList<>();
    for (int tokens : completionTokens) {
      completions.add(TokenIds.of(random.ints(tokens, 1, 4_000).toArray()));
    }
    return new JudgedGroup(
        "group" + seed,
        TokenIds.of(random.ints(promptTokens, 1, 4_000).toArray()),
        completions,
        List.of(preferences),
        completions.stream().map(completion -> JudgedGroup.Grade.NONE).toList());
  }

  @Test
  void gradientsOfTheBlockAgreeWithFiniteDifferences() throws IOException {
    Path before = folder.resolve("before.safetensors");
    Path after = folder.resolve("after.safetensors");
    try (OwnBlocks own = own(TRUNK);
        TrainableBlocks blocks = above(own)) {
      assertThat(own.unit(1)).as("rows of the long prompt").hasSize(2);
      blocks.save(before);
      assertThat(trainer(own).collect(blocks, network, groups)).isTrue();
      blocks.optimizerStep(EPSILON * STEP_PER_GRADIENT);
      blocks.save(after);
    }
    SafetensorsFile weights = SafetensorsFile.open(before);
    assertThat(weights.names()).hasSize(10); // nine of the block, and the final norm
    for (String name : weights.names()) {
      float[] gradient = weights.read(name, weights.shape(name));
      float[] moved = SafetensorsFile.open(after).read(name, weights.shape(name));
      int steepest = 0;
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] = (float) ((gradient[i] - moved[i]) / STEP_PER_GRADIENT);
        steepest = Math.abs(gradient[i]) > Math.abs(gradient[steepest]) ? i : steepest;
      }
      double difference = (loss(name, steepest, STEP) - loss(name, steepest, -STEP)) / (2 * STEP);
      assertThat((double) gradient[steepest])
          .as("%s[%d]", name, steepest)
          .isCloseTo(difference, within(0.004 * Math.abs(difference)));
      assertThat(Math.abs(difference)).as("%s matters", name).isGreaterThan(1e-3);
    }
  }

  @Test
  void gradientsOfTheHeadAgreeWithFiniteDifferences() {
    try (OwnBlocks own = own(TRUNK);
        TrainableBlocks blocks = above(own)) {
      BlockTrainer trainer = trainer(own);
      assertThat(trainer.collect(blocks, network, groups)).isTrue();
      double[] gradient = network.gradients().clone();
      double step = 1e-4;
      int all = network.parameters().length;
      for (int i : new int[] {0, 9, all / 2, all - 18, all - 10, all - 9, all - 2, all - 1}) {
        double weight = network.parameters()[i];
        network.parameters()[i] = weight + step;
        double more = loss(trainer, blocks);
        network.parameters()[i] = weight - step;
        double less = loss(trainer, blocks);
        network.parameters()[i] = weight;
        assertThat(gradient[i])
            .as("weight %d", i)
            .isCloseTo((more - less) / (2 * step), within(1e-8));
      }
      assertThat(Arrays.stream(gradient).map(Math::abs).max().orElseThrow()).isGreaterThan(0.01);
    }
  }

  private OwnBlocks own(Path trunk) {
    return new OwnBlocks(
        trunk, 1, BlockOptions.defaults(), reader, table, folder, (member, share) -> {});
  }

  private static TrainableBlocks above(OwnBlocks own) {
    return TrainableBlocks.above(own.lower(), new OptimizerOptions(0.9, 0.999, EPSILON, 0, 1e9));
  }

  private BlockTrainer trainer(OwnBlocks own) {
    float[] mean = table.mean(groups);
    float[] std = table.std(groups, mean);
    HeadTrainer.Options options = new HeadTrainer.Options(8, 1, 1, 3, 1e-3, 0, SCORE_DECAY);
    return new BlockTrainer(
        options,
        new GroupLoss.Preferences(new BradleyTerryLoss(0.1, 0)),
        own,
        table.standardized(mean, std),
        mean,
        std,
        () -> {});
  }

  /** What is descended, as its formula says it. */
  private double loss(BlockTrainer trainer, TrainableBlocks blocks) {
    double squares = Arrays.stream(trainer.scores(blocks, network)).map(s -> s * s).sum();
    return trainer.meanLoss(blocks, network, groups) + SCORE_DECAY * squares / table.size();
  }

  /** The same where one weight of the block is another. */
  private double loss(String tensor, int index, float more) throws IOException {
    Path moved = moved(tensor, index, more);
    try (OwnBlocks own = own(moved);
        TrainableBlocks blocks = above(own)) {
      return loss(trainer(own), blocks);
    }
  }

  private Path moved(String tensor, int index, float more) throws IOException {
    Path moved = Files.createDirectories(folder.resolve("moved"));
    SafetensorsFile weights = SafetensorsFile.open(TRUNK.resolve(ModelManifest.WEIGHTS));
    List<Content> contents = new ArrayList<>();
    for (String name : weights.names()) {
      float[] values = weights.read(name, weights.shape(name));
      if (name.equals(tensor)) {
        values[index] += more;
      }
      contents.add(new Content(name, WeightType.FLOAT32, weights.shape(name), () -> values));
    }
    SafetensorsFile.write(moved.resolve(ModelManifest.WEIGHTS), contents, Map.of());
    DecoderConfig.read(TRUNK).write(moved, WeightType.FLOAT32);
    ModelManifest.write(moved, Map.of());
    return moved;
  }
}
