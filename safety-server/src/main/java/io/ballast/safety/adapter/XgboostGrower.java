package io.ballast.safety.adapter;

import io.ballast.safety.core.gatefit.GrownTrees;
import io.ballast.safety.core.gatefit.TreeGrower;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.DMatrix;
import ml.dmlc.xgboost4j.java.XGBoost;
import ml.dmlc.xgboost4j.java.XGBoostError;

/**
 * Boosts trees by XGBoost on one thread, and stops when the validation part no longer gains. The
 * same examples, options and seed grow the same trees.
 */
public final class XgboostGrower implements TreeGrower {
  private static final int PATIENCE = 30;

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException if XGBoost fails
   */
  @Override
  public GrownTrees grow(Examples train, Examples validation, Options options) {
    try {
      DMatrix trainMatrix = matrix(train);
      DMatrix validationMatrix = matrix(validation);
      try {
        Map<String, DMatrix> watches = new LinkedHashMap<>();
        watches.put("validation", validationMatrix);
        float[][] losses = new float[1][options.rounds()];
        Booster searched =
            XGBoost.train(
                trainMatrix,
                parameters(options),
                options.rounds(),
                watches,
                losses,
                null,
                null,
                PATIENCE);
        searched.dispose();
        int best = 0;
        for (int round = 0; round < losses[0].length && losses[0][round] > 0; round++) {
          best = losses[0][round] < losses[0][best] ? round : best;
        }
        // again, without the trees beyond the best: the same seed grows the same ones
        Booster booster =
            XGBoost.train(trainMatrix, parameters(options), best + 1, new HashMap<>(), null, null);
        try {
          return new Grown(
              booster.toByteArray("ubj"), train.features(0).length, best + 1, losses[0][best]);
        } finally {
          booster.dispose();
        }
      } finally {
        trainMatrix.dispose();
        validationMatrix.dispose();
      }
    } catch (XGBoostError e) {
      throw new IllegalStateException("XGBoost: " + e.getMessage(), e);
    }
  }

  private static Map<String, Object> parameters(Options options) {
    Map<String, Object> parameters = new HashMap<>();
    parameters.put("objective", "binary:logistic");
    parameters.put("eval_metric", "logloss");
    parameters.put("tree_method", "hist");
    parameters.put("max_depth", options.depth());
    parameters.put("eta", options.learningRate());
    parameters.put("subsample", 0.7);
    parameters.put("colsample_bytree", 0.6);
    parameters.put("min_child_weight", options.leastWeight());
    parameters.put("lambda", 2);
    parameters.put("nthread", 1);
    parameters.put("seed", options.seed());
    parameters.put("verbosity", 0);
    parameters.put("silent", "true");
    return parameters;
  }

  private static DMatrix matrix(Examples examples) throws XGBoostError {
    int size = examples.size();
    int width = examples.features(0).length;
    float[] values = new float[size * width];
    float[] labels = new float[size];
    float[] weights = new float[size];
    boolean weighted = false;
    for (int i = 0; i < size; i++) {
      System.arraycopy(examples.features(i), 0, values, i * width, width);
      labels[i] = examples.yes(i) ? 1 : 0;
      weights[i] = (float) examples.weight(i);
      weighted |= weights[i] != weights[0];
    }
    DMatrix matrix = new DMatrix(values, size, width, Float.NaN);
    matrix.setLabel(labels);
    if (weighted) {
      matrix.setWeight(weights); // alike they change nothing, and need not be told
    }
    return matrix;
  }

  /** Trees as bytes, opened where they are asked. */
  private static final class Grown implements GrownTrees {
    private final byte[] bytes;
    private final int features;
    private final int count;
    private final double validationLoss;

    Grown(byte[] bytes, int features, int count, double validationLoss) {
      this.bytes = bytes;
      this.features = features;
      this.count = count;
      this.validationLoss = validationLoss;
    }

    @Override
    public byte[] bytes() {
      return bytes.clone();
    }

    @Override
    public int count() {
      return count;
    }

    @Override
    public double validationLoss() {
      return validationLoss;
    }

    @Override
    public double[] logOdds(Examples examples) {
      try (GradientBoostedTrees trees = GradientBoostedTrees.load(bytes, features)) {
        return IntStream.range(0, examples.size())
            .mapToDouble(i -> trees.logOdds(examples.features(i)))
            .toArray();
      }
    }
  }
}
