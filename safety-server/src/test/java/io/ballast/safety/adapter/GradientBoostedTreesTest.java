package io.ballast.safety.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.trees.TreeEnsemble;
import io.ballast.inference.trees.XgboostTrees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.DMatrix;
import ml.dmlc.xgboost4j.java.XGBoost;
import ml.dmlc.xgboost4j.java.XGBoostError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Log-odds are XGBoost's, to rounding, and those of the trees that are exported for Triton. */
class GradientBoostedTreesTest {
  @Test
  void contributionsAddUpToTheLogOdds() throws IOException {
    Path folder = Path.of("..", "models", "java-gate-suggestion", "1");
    TreeEnsemble walk = XgboostTrees.read(folder);
    RandomGenerator random = new SplittableRandom(19);
    try (GradientBoostedTrees trees =
        GradientBoostedTrees.load(
            Files.readAllBytes(folder.resolve(XgboostTrees.FILE)), walk.features())) {
      for (int row = 0; row < 20; row++) {
        float[] numbers = new float[walk.features()];
        for (int i = 0; i < numbers.length; i++) {
          numbers[i] = random.nextInt(8) == 0 ? Float.NaN : (float) random.nextGaussian(0, 4);
        }
        double[] added = trees.contributions(numbers);
        assertThat(Arrays.stream(added).sum()).isCloseTo(trees.logOdds(numbers), within(1e-4));
        for (int i = 0; i < numbers.length; i++) {
          assertThat(added[i] != 0 && !trees.asksFor(i)).as("feature %d", i).isFalse();
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"java-gate-context", "java-gate-suggestion"})
  void logOddsAreThoseOfAWalk(String name) throws IOException, XGBoostError {
    Path folder = Path.of("..", "models", name, "1");
    Booster booster = XGBoost.loadModel(Files.readAllBytes(folder.resolve(XgboostTrees.FILE)));
    TreeEnsemble walk = XgboostTrees.read(folder);
    RandomGenerator random = new SplittableRandom(17);
    try (GradientBoostedTrees trees =
        GradientBoostedTrees.load(
            Files.readAllBytes(folder.resolve(XgboostTrees.FILE)), walk.features())) {
      for (int row = 0; row < 500; row++) {
        float[] numbers = new float[walk.features()];
        for (int i = 0; i < numbers.length; i++) {
          // whole numbers stand on the trees' borders; some numbers are missing
          numbers[i] =
              switch (random.nextInt(8)) {
                case 0 -> Float.NaN;
                case 1, 2, 3 -> random.nextInt(-3, 12);
                default -> (float) random.nextGaussian(0, 4);
              };
        }
        assertThat(trees.logOdds(numbers)).isCloseTo(walk.margin(numbers), within(1e-5));
        DMatrix matrix = new DMatrix(numbers, 1, numbers.length, Float.NaN);
        float theirs = booster.predict(matrix, true)[0][0];
        matrix.dispose();
        assertThat(trees.logOdds(numbers)).isCloseTo(theirs, within(2e-6));
      }
    }
  }
}
