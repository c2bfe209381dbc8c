package io.ballast.rl.objective;

/** What an objective reports beside its value. All are means over what takes part in the loss. */
public enum ObjectiveMetric {
  /**
   * The share, 0 to 1, of unmasked tokens (GSPO: completions) whose gradient the clip stopped
   * (CISPO: whose weight it held).
   */
  CLIP_FRACTION,
  /** The mean ratio π/μ. */
  MEAN_RATIO,
  /** The mean weight that corrects for the server that sampled, after truncation. */
  IMPORTANCE_WEIGHT,
  /** The estimate of KL(π ‖ π_ref) that a penalty used, nats, aggregated as the loss. */
  KL,
  /** The entropy that a bonus used, nats, aggregated as the loss. */
  ENTROPY,
  /** The share, 0 to 1, of pairs whose chosen completion has the larger log-ratio; ties count ½. */
  PREFERENCE_ACCURACY,
  /** The mean difference of log-ratios between chosen and rejected, nats. */
  PREFERENCE_MARGIN,
  /** The mean squared error of the critic before clipping. */
  VALUE_ERROR
}
