package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.trees.TreeEnsemble;
import io.ballast.inference.trees.XgboostTrees;
import io.ballast.inference.triton.TritonException.Reason;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The gates' trees on a real Triton, as we export them. */
class ExportedTreesIT {
  private static final Path MODELS = Path.of("..", "models");

  private static InferRequest rows(String model, int rows, int features, float... numbers) {
    return InferRequest.of(new ServedModel(model, "1"))
        .input(Tensor.floats("features", List.of((long) rows, (long) features), numbers))
        .build();
  }

  @ParameterizedTest
  @ValueSource(strings = {"java-gate-context", "java-gate-suggestion"})
  void logOddsAreThoseOfAWalkThroughTheTrees(String name) {
    TreeEnsemble trees = XgboostTrees.read(MODELS.resolve(name).resolve("1"));
    int features = trees.features();
    RandomGenerator random = new SplittableRandom(9);
    float[] numbers = new float[20 * features];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = random.nextInt(8) == 0 ? Float.NaN : random.nextInt(-3, 12);
    }

    float[] sums =
        ExportedTriton.client()
            .infer(rows(name, 20, features, numbers))
            .output("log_odds")
            .floats();

    for (int row = 0; row < 20; row++) {
      float[] one = new float[features];
      System.arraycopy(numbers, row * features, one, 0, features);
      assertThat((double) sums[row]).isCloseTo(trees.margin(one), within(1e-4));
    }
  }

  @Test
  void rowsOfAnotherWidthAndOtherVersionsAreRefused() {
    assertThat(
            failure(
                Reason.BAD_REQUEST,
                () -> ExportedTriton.client().infer(rows("java-gate-context", 1, 2, 1, 2))))
        .contains("unexpected shape for input 'features' for model 'java-gate-context'");
    failure(
        Reason.UNKNOWN_MODEL,
        () ->
            ExportedTriton.client()
                .infer(
                    InferRequest.of(new ServedModel("java-gate-context", "2"))
                        .input(Tensor.floats("features", List.of(1L, 1L), 1))
                        .build()));
  }

  @Test
  void whatTheLogOddsMeanIsTold() {
    assertThat(
            ExportedTriton.client()
                .config(new ServedModel("java-gate-context", "1"))
                .getParametersOrThrow("trees_config_1")
                .getStringValue())
        .contains("\"format\" : \"ballast-display-gate\"", "\"slope\" : 1.0905321885435386");
  }
}
