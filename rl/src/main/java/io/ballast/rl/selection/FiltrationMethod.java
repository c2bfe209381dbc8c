package io.ballast.rl.selection;

/** Which ranks of a group are trained on. */
public enum FiltrationMethod {
  /** All alike: no filter. */
  UNIFORM,
  /** Only the best. */
  BEST_OF_N,
  /** The best half the time, else any other. */
  BEST_RANDOM,
  /** The best half the time, the worst half the time. */
  BEST_WORST
}
