package io.ballast.safety.testing;

import io.ballast.rl.preference.PlattScaling;
import io.ballast.safety.adapter.GateModelFolder;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateCalibration;
import io.ballast.safety.core.gate.GateSpec;
import io.ballast.safety.core.gate.GateStage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.DMatrix;
import ml.dmlc.xgboost4j.java.XGBoost;
import ml.dmlc.xgboost4j.java.XGBoostError;

/** Small real gate models whose answer follows from one feature. */
public final class TinyGates {
  private TinyGates() {}

  /** Trees that say yes where the feature called {@code name} is above {@code limit}. */
  public static byte[] trees(GateStage stage, String name, double limit) {
    return trees(FeatureSet.TEXT, stage, name, limit);
  }

  /** The same on another set of features. */
  public static byte[] trees(FeatureSet set, GateStage stage, String name, double limit) {
    int width = set.names(stage).size();
    int column = set.names(stage).indexOf(name);
    int rows = 400;
    RandomGenerator random = new SplittableRandom(5);
    float[] values = new float[rows * width];
    float[] labels = new float[rows];
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < width; i++) {
        values[row * width + i] = (float) (random.nextDouble() * 2 * limit);
      }
      labels[row] = values[row * width + column] > limit ? 1 : 0;
    }
    try {
      DMatrix matrix = new DMatrix(values, rows, width, Float.NaN);
      matrix.setLabel(labels);
      Map<String, Object> options = new HashMap<>();
      options.put("objective", "binary:logistic");
      options.put("max_depth", 2);
      options.put("eta", 0.5);
      options.put("nthread", 1);
      options.put("seed", 1);
      Booster booster = XGBoost.train(matrix, options, 10, new HashMap<>(), null, null);
      try {
        return booster.toByteArray("ubj");
      } finally {
        booster.dispose();
        matrix.dispose();
      }
    } catch (XGBoostError e) {
      throw new IllegalStateException(e);
    }
  }

  /** A spec with Platt's identity: the trees' log-odds are taken as they are. */
  public static GateSpec spec(GateStage stage, double threshold, double refer, double explore) {
    return GateSpec.of(
        stage,
        new GateCalibration.Platt(new PlattScaling(1, 0)),
        threshold,
        refer,
        explore,
        Map.of("auc", 0.75));
  }

  /** Writes {@code <root>/<name>/<version>} and returns it. */
  public static Path write(Path root, String name, String version, GateSpec spec, byte[] trees)
      throws IOException {
    Path folder = Files.createDirectories(root.resolve(name).resolve(version));
    GateModelFolder.write(folder, spec, trees, Map.of());
    return folder;
  }
}
