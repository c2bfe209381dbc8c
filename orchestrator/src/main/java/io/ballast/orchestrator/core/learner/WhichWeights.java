package io.ballast.orchestrator.core.learner;

/** Which weights of a session are asked. */
public enum WhichWeights {
  /** Those in training. */
  CURRENT,
  /** The frozen ones that the session started from. */
  REFERENCE,
  /** The exponential moving average of those in training, where one is kept. */
  AVERAGE
}
