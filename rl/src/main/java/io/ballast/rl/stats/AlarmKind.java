package io.ballast.rl.stats;

/** What can go wrong with an optimised policy while its reward looks fine. */
public enum AlarmKind {
  /** KL to the reference is over its limit. */
  KL_HIGH,
  /** The reward members disagree more than they did at first. */
  SPREAD_GREW,
  /** The policy has become too sure of itself. */
  ENTROPY_LOW,
  /** Completions have become much longer than at first. */
  LENGTH_GREW,
  /** A templated phrase has become much more common than at first. */
  PHRASE_SPREAD,
  /** The reward that is optimised has risen more than what it stands for. */
  PROXY_GOLD_GAP,
  /** The price of harm is at its cap, and harm is over its budget all the same. */
  LAMBDA_AT_CAP
}
