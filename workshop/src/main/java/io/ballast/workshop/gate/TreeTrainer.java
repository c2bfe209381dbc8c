package io.ballast.workshop.gate;

import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateStage;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.DMatrix;
import ml.dmlc.xgboost4j.java.XGBoost;
import ml.dmlc.xgboost4j.java.XGBoostError;

/**
 * Boosts trees on one stage's features, and stops when other files no longer gain. Of a stage that
 * sees the context alone the rows of a position are equal but for their labels, so what it learns
 * is the position's share of kept suggestions.
 */
final class TreeTrainer {
  private static final int PATIENCE = 30;

  /**
   * How trees are grown.
   *
   * @param rounds the most trees
   * @param depth of a tree
   * @param learningRate of a tree
   * @param seed of the rows and columns that a tree sees
   */
  record Options(int rounds, int depth, double learningRate, long seed) {}

  /**
   * What came of it.
   *
   * @param trees XGBoost's UBJSON
   * @param count how many trees
   * @param validationLoss nats a suggestion
   */
  record Trained(Trees trees, int count, double validationLoss) {}

  /** A model's bytes. Immutable. */
  static final class Trees {
    private final byte[] bytes;

    private Trees(byte[] bytes) {
      this.bytes = bytes;
    }

    byte[] bytes() {
      return bytes.clone();
    }
  }

  private final GateStage stage;
  private final GateRows table;
  private final Options options;

  TreeTrainer(GateStage stage, GateRows table, Options options) {
    this.stage = stage;
    this.table = table;
    this.options = options;
  }

  /**
   * Trains on {@code train}; {@code validation} decides how many trees.
   *
   * @throws IllegalStateException if XGBoost fails
   */
  Trained train(int[] train, int[] validation) {
    try {
      DMatrix trainMatrix = matrix(train);
      DMatrix validationMatrix = matrix(validation);
      try {
        Map<String, DMatrix> watches = new LinkedHashMap<>();
        watches.put("validation", validationMatrix);
        float[][] losses = new float[1][options.rounds()];
        Booster searched =
            XGBoost.train(
                trainMatrix, parameters(), options.rounds(), watches, losses, null, null, PATIENCE);
        searched.dispose();
        int best = 0;
        for (int round = 0; round < losses[0].length && losses[0][round] > 0; round++) {
          best = losses[0][round] < losses[0][best] ? round : best;
        }
        // again, without the trees beyond the best: the same seed grows the same ones
        Booster booster =
            XGBoost.train(trainMatrix, parameters(), best + 1, new HashMap<>(), null, null);
        try {
          return new Trained(new Trees(booster.toByteArray("ubj")), best + 1, losses[0][best]);
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

  private Map<String, Object> parameters() {
    Map<String, Object> parameters = new HashMap<>();
    parameters.put("objective", "binary:logistic");
    parameters.put("eval_metric", "logloss");
    parameters.put("tree_method", "hist");
    parameters.put("max_depth", options.depth());
    parameters.put("eta", options.learningRate());
    parameters.put("subsample", 0.7);
    parameters.put("colsample_bytree", 0.6);
    parameters.put("min_child_weight", 8);
    parameters.put("lambda", 2);
    parameters.put("nthread", 1);
    parameters.put("seed", options.seed());
    parameters.put("verbosity", 0);
    parameters.put("silent", "true");
    return parameters;
  }

  private DMatrix matrix(int[] rows) throws XGBoostError {
    int width = FeatureSet.TEXT.names(stage).size();
    float[] values = new float[rows.length * width];
    float[] labels = new float[rows.length];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(table.features(stage, rows[i]), 0, values, i * width, width);
      labels[i] = table.kept(rows[i]) ? 1 : 0;
    }
    DMatrix matrix = new DMatrix(values, rows.length, width, Float.NaN);
    matrix.setLabel(labels);
    return matrix;
  }
}
