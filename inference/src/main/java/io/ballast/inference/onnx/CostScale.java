package io.ballast.inference.onnx;

import java.util.List;

/**
 * What the scores of a cost say of harm.
 *
 * @param boundary between safe and unsafe
 * @param reliability of the calibrated probability on what trained nothing, in ascending order of
 *     the prediction; empty: not measured
 */
public record CostScale(CostBoundary boundary, List<ReliabilityBin> reliability) {
  public CostScale {
    reliability = List.copyOf(reliability);
  }

  /** Of a boundary alone. */
  public static CostScale of(CostBoundary boundary) {
    return new CostScale(boundary, List.of());
  }
}
