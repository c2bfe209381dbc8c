package io.ballast.safety.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import java.io.IOException;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.Booster.PredictionType;
import ml.dmlc.xgboost4j.java.XGBoost;
import ml.dmlc.xgboost4j.java.XGBoostError;

/**
 * XGBoost's trees for one yes-or-no question. Safe for use by many threads: prediction reads the
 * rows in place, on one native thread, and only closing excludes it.
 */
public final class GradientBoostedTrees implements AutoCloseable {
  private static final int[] ALL_TREES = {0, 0};

  private final Booster booster;
  private final int features;
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private boolean closed;

  private GradientBoostedTrees(Booster booster, int features) {
    this.booster = booster;
    this.features = features;
  }

  /**
   * Reads a model in XGBoost's UBJSON or JSON.
   *
   * @param features how many numbers its rows have
   * @throws ModelException INVALID_FOLDER if it is no such model, or of other rows
   */
  public static GradientBoostedTrees load(byte[] model, int features) {
    try {
      Booster booster = XGBoost.loadModel(model);
      booster.setParam("nthread", 1);
      if (booster.getNumFeature() != features) {
        long found = booster.getNumFeature();
        booster.dispose();
        throw new ModelException(
            Reason.INVALID_FOLDER,
            "the trees take %,d features (expected: %,d)".formatted(found, features));
      }
      return new GradientBoostedTrees(booster, features);
    } catch (XGBoostError | IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, "not an XGBoost model: " + e.getMessage(), e);
    }
  }

  /**
   * Returns the log-odds of one row.
   *
   * @param row shape [features]
   * @throws ModelException CLOSED, or BROKEN if the engine fails or its number is not finite
   */
  public double logOdds(float[] row) {
    if (row.length != features) {
      throw new IllegalArgumentException(
          "row: %d features (expected: %d)".formatted(row.length, features));
    }
    lock.readLock().lock();
    try {
      if (closed) {
        throw new ModelException(Reason.CLOSED, "the gate model was closed");
      }
      float[][] margin =
          booster.inplace_predict(
              row, 1, features, Float.NaN, ALL_TREES, PredictionType.kMargin, null);
      if (!Float.isFinite(margin[0][0])) {
        throw new ModelException(
            Reason.BROKEN, "log-odds: %s (expected: finite)".formatted(margin[0][0]));
      }
      return margin[0][0];
    } catch (XGBoostError e) {
      throw new ModelException(Reason.BROKEN, "XGBoost: " + e.getMessage(), e);
    } finally {
      lock.readLock().unlock();
    }
  }

  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        booster.dispose();
      }
    } finally {
      lock.writeLock().unlock();
    }
  }
}
