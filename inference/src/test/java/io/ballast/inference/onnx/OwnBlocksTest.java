package io.ballast.inference.onnx;

import static io.ballast.inference.onnx.TinyFolders.gap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.ScoreOutcome.Scored;
import io.ballast.inference.onnx.ScoringHeads.Head;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.torch.CompletionGroup;
import io.ballast.inference.torch.LowerStates;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.TorchRuntime;
import io.ballast.inference.torch.TrainableBlocks;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Members with blocks of their own score in ONNX Runtime as the blocks that trained score. */
class OwnBlocksTest {
  private static final int MEMBERS = 3;
  private static final double TOLERANCE = 1e-4;

  @TempDir Path folder;

  private Path trunk = Path.of("");
  private final List<ScoringGroup> groups = new ArrayList<>();

  @BeforeEach
  void write() throws IOException {
    TorchRuntime.setThreads(1);
    trunk = TinyFolders.trunk(folder.resolve("trunk"), TinyFolders.GROUPED, 3);
    SplittableRandom random = new SplittableRandom(6);
    for (int g = 0; g < 6; g++) {
      List<TokenIds> completions = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        completions.add(TinyFolders.tokens(random, random.nextInt(1, 9)));
      }
      groups.add(new ScoringGroup(TinyFolders.tokens(random, random.nextInt(1, 20)), completions));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void scoresEqualLibtorchs(int ownBlocks) throws IOException {
    Path scoring = folder.resolve("own/1");
    List<double[]> expected = trainAndWrite(ownBlocks, HeadActivation.GELU, scoring);
    try (OnnxScorer scorer = OnnxScorer.open(trunk, scoring, folder.resolve("cache"), 1)) {
      assertThat(scorer.spec().ownBlocks()).isEqualTo(ownBlocks);
      int at = 0;
      for (List<ScoreOutcome> group : scorer.score(groups)) {
        for (ScoreOutcome outcome : group) {
          assertThat(gap(scores(outcome), expected.get(at++))).isLessThan(TOLERANCE);
        }
      }
      assertThat(at).isEqualTo(expected.size());
    }
    double[] first = expected.getFirst();
    assertThat(Math.abs(first[0] - first[1])).as("members differ").isGreaterThan(0.01);
  }

  @Test
  void moreOwnBlocksThanTheTrunkHasAreNamed() throws IOException {
    Path scoring = folder.resolve("own/1");
    trainAndWrite(1, HeadActivation.TANH, scoring);
    Path config = scoring.resolve("config.json");
    Files.writeString(
        config, Files.readString(config).replace("\"own_blocks\" : 1", "\"own_blocks\" : 3"));
    ModelManifest.write(scoring, Map.of());
    assertThatThrownBy(() -> OnnxScorer.open(trunk, scoring, folder.resolve("cache"), 1))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("own_blocks: 3 (expected: at most 2, the trunk's)");
  }

  @Test
  void ownBlocksThatAreNoNumberAreNotTakenForNone() throws IOException {
    Path scoring = folder.resolve("own/1");
    trainAndWrite(1, HeadActivation.TANH, scoring);
    Path config = scoring.resolve("config.json");
    Files.writeString(
        config, Files.readString(config).replace("\"own_blocks\" : 1", "\"own_blocks\" : \"1\""));
    ModelManifest.write(scoring, Map.of());
    assertThatThrownBy(() -> OnnxScorer.open(trunk, scoring, folder.resolve("cache"), 1))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("own_blocks: \"1\" (expected: a whole number)");
  }

  @Test
  void aMembersBlockThatIsMissingIsNamed() throws IOException {
    Path scoring = folder.resolve("own/1");
    trainAndWrite(1, HeadActivation.TANH, scoring);
    Path config = scoring.resolve("config.json");
    Files.writeString(
        config, Files.readString(config).replace("\"own_blocks\" : 1", "\"own_blocks\" : 2"));
    ModelManifest.write(scoring, Map.of());
    assertThatThrownBy(() -> OnnxScorer.open(trunk, scoring, folder.resolve("cache"), 1))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("members.0.model.layers.0.");
  }

  /** Trains each member's blocks a little, each its own way; returns what they say in libtorch. */
  private List<double[]> trainAndWrite(int ownBlocks, HeadActivation activation, Path scoring)
      throws IOException {
    List<CompletionGroup> rows =
        groups.stream()
            .map(group -> new CompletionGroup(group.prompt(), group.completions()))
            .toList();
    List<List<Integer>> units = new ArrayList<>();
    for (int row = 0; row < rows.size(); row++) {
      units.add(List.of(row));
    }
    ScoringModel model = model(ownBlocks, activation);
    List<Path> files = new ArrayList<>();
    List<double[]> scores = new ArrayList<>();
    groups.forEach(group -> group.completions().forEach(c -> scores.add(new double[MEMBERS])));
    try (LowerStates lower = LowerStates.of(trunk, ownBlocks, rows, 1 << 20)) {
      for (int k = 0; k < MEMBERS; k++) {
        try (TrainableBlocks blocks =
            TrainableBlocks.above(lower, new OptimizerOptions(0.9, 0.999, 1e-8, 0, 1))) {
          int sign = k % 2 == 0 ? 1 : -1;
          for (int step = 0; step < 3 + k; step++) {
            blocks.forwardBackward(
                units,
                (unit, states) ->
                    Arrays.stream(states)
                        .map(
                            state -> {
                              float[] by = state.clone();
                              for (int i = 0; i < by.length; i++) {
                                by[i] *= sign;
                              }
                              return by;
                            })
                        .toArray(float[][]::new));
            blocks.optimizerStep(0.01);
          }
          Path file = folder.resolve("member-" + k);
          blocks.save(file);
          files.add(file);
          List<float[][]> states = blocks.states(units);
          int at = 0;
          for (int g = 0; g < groups.size(); g++) {
            for (int i = 0; i < groups.get(g).completions().size(); i++) {
              int tokens = groups.get(g).completions().get(i).size();
              scores.get(at++)[k] = score(model, k, states.get(g)[i], tokens);
            }
          }
        }
      }
    }
    ScoringModelFolder.write(scoring, model, files, Map.of());
    return scores;
  }

  /** Random heads on the features that need no likelihoods. */
  private ScoringModel model(int ownBlocks, HeadActivation activation) {
    RandomGenerator random = new SplittableRandom(8);
    TrunkFolder decoder = TrunkFolder.open(trunk);
    List<ScoringFeature> features = ScoringFeature.withoutLikelihoods();
    int width = ScoringFeature.width(features, decoder.config().hiddenSize());
    int hidden = 4;
    List<Head> heads = new ArrayList<>();
    List<Normalization> normalizations = new ArrayList<>();
    List<Map<String, Double>> figures = new ArrayList<>();
    for (int k = 0; k < MEMBERS; k++) {
      heads.add(
          new Head(
              gaussian(random, hidden * width, 0.2),
              gaussian(random, hidden, 0.1),
              gaussian(random, hidden, 0.5),
              (float) random.nextGaussian()));
      normalizations.add(new Normalization(0, 1));
      figures.add(Map.of());
    }
    float[] std = new float[width];
    Arrays.fill(std, 1.5f);
    return new ScoringModel(
        new ScoringSpec(
            ScoringKind.REWARD_ENSEMBLE,
            features,
            hidden,
            activation,
            new TrunkReference("tiny", "1", decoder.weightsSha256()),
            OptionalInt.empty(),
            ownBlocks,
            normalizations,
            List.of(),
            Optional.of(new Calibration(1, 0)),
            figures,
            Map.of(),
            List.of()),
        new ScoringHeads(gaussian(random, width, 0.5), std, heads));
  }

  private static double score(ScoringModel model, int member, float[] states, int tokens) {
    double[] features = new double[states.length + 2];
    for (int i = 0; i < states.length; i++) {
      features[i] = states[i];
    }
    features[states.length] = tokens;
    features[states.length + 1] = Math.log(tokens);
    return ReferenceScorer.score(
        model.heads().heads().get(member),
        features,
        model.heads().featureMean(),
        model.heads().featureStd(),
        model.spec().activation());
  }

  private static float[] gaussian(RandomGenerator random, int count, double std) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian(0, std);
    }
    return values;
  }

  private static double[] scores(ScoreOutcome outcome) {
    return ((Scored) outcome).scores().stream().mapToDouble(Float::doubleValue).toArray();
  }
}
