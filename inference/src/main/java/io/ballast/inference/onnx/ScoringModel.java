package io.ballast.inference.onnx;

/**
 * A scoring folder in memory.
 *
 * @param spec what it says of itself
 * @param heads what was trained: head k·O + o is member k's by objective o of O, or member k's
 *     where there are none
 */
public record ScoringModel(ScoringSpec spec, ScoringHeads heads) {
  public ScoringModel {
    if (heads.size() != spec.trainedHeads() || heads.hiddenWidth() != spec.hiddenWidth()) {
      throw new IllegalArgumentException(
          "heads: "
              + heads.size()
              + " of width "
              + heads.hiddenWidth()
              + " (expected: "
              + spec.trainedHeads()
              + " of width "
              + spec.hiddenWidth()
              + ")");
    }
  }
}
