package io.ballast.reward.testing;

import io.ballast.inference.onnx.Calibration;
import io.ballast.inference.onnx.HeadActivation;
import io.ballast.inference.onnx.Normalization;
import io.ballast.inference.onnx.ScoringFeature;
import io.ballast.inference.onnx.ScoringHeads;
import io.ballast.inference.onnx.ScoringHeads.Head;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.ScoringObjective;
import io.ballast.inference.onnx.ScoringSpec;
import io.ballast.inference.onnx.TrunkReference;
import io.ballast.inference.onnx.TrunkText;
import io.ballast.inference.torch.DecoderConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/** An ensemble of random heads on {@link TinyModel}. */
public final class TinyReward {
  public static final String NAME = "tiny-reward";
  public static final int MEMBERS = 3;

  private static final int HIDDEN = 8;

  private TinyReward() {}

  /** Writes version 1 of the trunk and of the ensemble below {@code root}. */
  public static void writeTo(Path root) throws IOException {
    writeTo(root, OptionalInt.empty(), List.of());
  }

  /** As the other; the ensemble says what it was trained to see, and its temperatures. */
  public static void writeTo(Path root, OptionalInt promptTokens, List<Double> inverseTemperatures)
      throws IOException {
    TinyModel.writeTo(root);
    List<Normalization> normalizations = new ArrayList<>();
    for (int k = 0; k < MEMBERS; k++) {
      normalizations.add(new Normalization(k, 0.5 + k));
    }
    write(
        root,
        new ScoringSpec(
            ScoringKind.REWARD_ENSEMBLE,
            ScoringFeature.all(),
            HIDDEN,
            HeadActivation.values()[0],
            trunk(root),
            promptTokens,
            normalizations,
            inverseTemperatures,
            new Calibration(1, 0),
            List.of(accuracy(0.61), accuracy(0.62), accuracy(0.63)),
            Map.of("cautious_within_prompt_accuracy", 0.64)));
  }

  /**
   * As the first; the members judge by {@code love}, at 1, and {@code cost}, at −½. Member k's raw
   * scores by the one have the mean k and the deviation 2, by the other −k and 1; its sums 0 and 4.
   */
  public static void writeObjectives(Path root) throws IOException {
    TinyModel.writeTo(root);
    write(
        root,
        new ScoringSpec(
            ScoringKind.REWARD_ENSEMBLE,
            ScoringFeature.all(),
            HIDDEN,
            HeadActivation.values()[0],
            trunk(root),
            OptionalInt.empty(),
            0,
            Collections.nCopies(MEMBERS, new Normalization(0, 4)),
            List.of(),
            Optional.empty(),
            Collections.nCopies(MEMBERS, Map.of()),
            Map.of(),
            List.of(
                objective("love", 1, 1, 2, List.of(0.5, 1.0, 2.0)),
                objective("cost", -0.5, -1, 1, List.of()))));
  }

  private static ScoringObjective objective(
      String name, double weight, int meanOfMember, double std, List<Double> inverseTemperatures) {
    List<Normalization> normalizations = new ArrayList<>();
    for (int k = 0; k < MEMBERS; k++) {
      normalizations.add(new Normalization(meanOfMember * k, std));
    }
    return new ScoringObjective(
        name,
        weight,
        normalizations,
        inverseTemperatures,
        Optional.empty(),
        List.of(accuracy(0.71), accuracy(0.72), accuracy(0.73)),
        Map.of("cautious_within_prompt_accuracy", 0.74));
  }

  private static TrunkReference trunk(Path root) throws IOException {
    return new TrunkReference(
        TinyModel.NAME,
        TinyModel.VERSION,
        TinyModel.sha256(root),
        TrunkText.of(root.resolve(TinyModel.NAME).resolve(TinyModel.VERSION)));
  }

  private static void write(Path root, ScoringSpec spec) throws IOException {
    Path trunk = root.resolve(TinyModel.NAME).resolve(TinyModel.VERSION);
    int width = ScoringFeature.width(ScoringFeature.all(), DecoderConfig.read(trunk).hiddenSize());
    RandomGenerator random = new SplittableRandom(5);
    List<Head> heads = new ArrayList<>();
    for (int k = 0; k < spec.trainedHeads(); k++) {
      heads.add(
          new Head(
              gaussian(random, HIDDEN * width, 0.3),
              gaussian(random, HIDDEN, 0.1),
              gaussian(random, HIDDEN, 0.5),
              k));
    }
    float[] ones = new float[width];
    Arrays.fill(ones, 1);
    ScoringModelFolder.write(
        root.resolve(NAME).resolve("1"),
        new ScoringModel(spec, new ScoringHeads(new float[width], ones, heads)),
        Map.of());
  }

  private static Map<String, Double> accuracy(double value) {
    return Map.of("within_prompt_accuracy", value);
  }

  private static float[] gaussian(RandomGenerator random, int count, double std) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian(0, std);
    }
    return values;
  }
}
