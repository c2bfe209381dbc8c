package io.ballast.training.scoring;

import io.ballast.inference.onnx.ScoringHeads.Head;

/** A head over standardised features. */
interface FeatureHead {
  /** Returns the scores of all completions of a table, shape [N of the table]. */
  double[] scores(FeatureTable standardized);

  /** Returns the weights as a scoring folder keeps them. */
  Head head();
}
