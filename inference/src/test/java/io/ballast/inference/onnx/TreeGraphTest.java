package io.ballast.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OnnxTensor;
import io.ballast.inference.trees.TreeEnsemble;
import io.ballast.inference.trees.XgboostTrees;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The graph sums what a walk through the trees sums. */
class TreeGraphTest {
  @TempDir private Path folder = Path.of(".");

  @ParameterizedTest
  @ValueSource(strings = {"java-gate-context", "java-gate-suggestion"})
  void committedGatesSumWhatAWalkSums(String name) throws IOException {
    TreeEnsemble trees = XgboostTrees.read(Path.of("..", "models", name, "1"));
    Path file = folder.resolve("trees.onnx");
    TreeGraph.write(trees, file);
    int rows = 200;
    float[] numbers = new float[rows * trees.features()];
    RandomGenerator random = new SplittableRandom(8);
    for (int i = 0; i < numbers.length; i++) {
      // whole numbers stand on the trees' borders; some numbers are missing
      numbers[i] =
          switch (random.nextInt(8)) {
            case 0 -> Float.NaN;
            case 1, 2, 3 -> random.nextInt(-3, 12);
            default -> (float) random.nextGaussian(0, 4);
          };
    }

    float[][] sums;
    try (GuardedSession session = new GuardedSession(file, 1)) {
      sums =
          session.use(
              open -> {
                try (OnnxTensor input =
                        OnnxTensor.createTensor(
                            session.environment(),
                            FloatBuffer.wrap(numbers),
                            new long[] {rows, trees.features()});
                    var result = open.run(Map.of(TreeGraph.FEATURES, input))) {
                  return (float[][]) result.get(TreeGraph.MARGIN).orElseThrow().getValue();
                }
              });
    }

    for (int row = 0; row < rows; row++) {
      float[] one = new float[trees.features()];
      System.arraycopy(numbers, row * one.length, one, 0, one.length);
      assertThat((double) sums[row][0]).isCloseTo(trees.margin(one), within(1e-5));
    }
  }
}
