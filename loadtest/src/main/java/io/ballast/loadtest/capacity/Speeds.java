package io.ballast.loadtest.capacity;

import java.util.Arrays;
import java.util.function.IntToDoubleFunction;

/**
 * How fast a replica works, by how many pieces of work are under way. They share its cores; where
 * they share batches too, each costs less than it would alone. None is ever quicker than alone: a
 * batch saves cores, not the way through the model. Computed once for each number.
 */
final class Speeds {
  private final double cores;
  private final IntToDoubleFunction cost;
  private double[] speeds = new double[0];
  private double[] busy = new double[0];

  /**
   * @param cores of the replica, &gt; 0
   * @param cost processor time of a piece of work among so many, as a share of what it is alone
   */
  Speeds(double cores, IntToDoubleFunction cost) {
    this.cores = cores;
    this.cost = cost;
  }

  /** Seconds of work a second of each of so many, 1 where one is alone on a core. */
  double of(int inFlight) {
    know(inFlight);
    return speeds[inFlight];
  }

  /** How many cores so many keep busy. */
  double busyCores(int inFlight) {
    know(inFlight);
    return busy[inFlight];
  }

  private void know(int inFlight) {
    int known = speeds.length;
    if (inFlight < known) {
      return;
    }
    int more = Math.max(64, 2 * inFlight);
    speeds = Arrays.copyOf(speeds, more);
    busy = Arrays.copyOf(busy, more);
    for (int i = Math.max(1, known); i < more; i++) {
      double share = cost.applyAsDouble(i);
      speeds[i] = share == 0 ? 1 : Math.min(1, cores / i / share);
      busy[i] = i * speeds[i] * share;
    }
  }
}
