package io.ballast.safety.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.trees.XgboostTrees;
import java.io.IOException;
import java.util.BitSet;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import ml.dmlc.xgboost4j.java.Booster;
import ml.dmlc.xgboost4j.java.DMatrix;
import ml.dmlc.xgboost4j.java.XGBoost;
import ml.dmlc.xgboost4j.java.XGBoostError;

/**
 * XGBoost's trees for one yes-or-no question. Safe for use by many threads: log-odds come from a
 * walk of our own, contributions from XGBoost on one native thread, and only closing excludes them.
 */
public final class GradientBoostedTrees implements AutoCloseable {
  private final Booster booster;
  private final int features;
  private final TreeWalk walk;
  private final BitSet asked;
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private boolean closed;

  private GradientBoostedTrees(Booster booster, int features, TreeWalk walk) {
    this.booster = booster;
    this.features = features;
    this.walk = walk;
    this.asked = walk.asked();
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
      try {
        return new GradientBoostedTrees(
            booster, features, new TreeWalk(XgboostTrees.ofUbjson(booster.toByteArray("ubj"))));
      } catch (IllegalArgumentException e) {
        booster.dispose();
        throw new ModelException(Reason.INVALID_FOLDER, String.valueOf(e.getMessage()), e);
      }
    } catch (XGBoostError | IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, "not an XGBoost model: " + e.getMessage(), e);
    }
  }

  /** Whether a tree asks for the feature at {@code index}. */
  public boolean asksFor(int index) {
    return asked.get(index);
  }

  /**
   * Returns the log-odds of one row.
   *
   * @param row shape [features]
   * @throws ModelException CLOSED, or BROKEN if the engine fails or its number is not finite
   */
  public double logOdds(float[] row) {
    return ask(row, () -> finite(walk.logOdds(row), "log-odds"));
  }

  /**
   * Returns what each feature adds to the log-odds of one row, and last the trees' mean: their sum
   * is that log-odds.
   *
   * <p>Source: Lundberg et al. 2020 (TreeSHAP), as XGBoost computes it.
   *
   * @param row shape [features]
   * @return shape [features + 1], a new array
   * @throws ModelException CLOSED, or BROKEN if the engine fails or a number is not finite
   */
  public double[] contributions(float[] row) {
    return ask(
        row,
        () -> {
          DMatrix matrix = new DMatrix(row, 1, features, Float.NaN);
          try {
            float[] added = booster.predictContrib(matrix, 0)[0];
            double[] contributions = new double[features + 1];
            for (int i = 0; i <= features; i++) {
              contributions[i] = finite(added[i], "contributions[" + i + "]");
            }
            return contributions;
          } finally {
            matrix.dispose();
          }
        });
  }

  private interface Question<T> {
    T ask() throws XGBoostError;
  }

  private <T> T ask(float[] row, Question<T> question) {
    if (row.length != features) {
      throw new IllegalArgumentException(
          "row: %d features (expected: %d)".formatted(row.length, features));
    }
    lock.readLock().lock();
    try {
      if (closed) {
        throw new ModelException(Reason.CLOSED, "the gate model was closed");
      }
      return question.ask();
    } catch (XGBoostError e) {
      throw new ModelException(Reason.BROKEN, "XGBoost: " + e.getMessage(), e);
    } finally {
      lock.readLock().unlock();
    }
  }

  private static double finite(float number, String name) {
    if (!Float.isFinite(number)) {
      throw new ModelException(Reason.BROKEN, "%s: %s (expected: finite)".formatted(name, number));
    }
    return number;
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
