package io.ballast.rl.aggregation;

/** Which way is worse. */
public enum PessimisticSide {
  /** Of rewards: lower is worse. */
  LOW,
  /** Of costs: higher is worse. */
  HIGH
}
