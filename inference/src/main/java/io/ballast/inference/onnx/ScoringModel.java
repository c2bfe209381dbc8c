package io.ballast.inference.onnx;

/**
 * A scoring folder in memory.
 *
 * @param spec what it says of itself
 * @param heads what was trained
 */
public record ScoringModel(ScoringSpec spec, ScoringHeads heads) {
  public ScoringModel {
    if (heads.size() != spec.heads() || heads.hiddenWidth() != spec.hiddenWidth()) {
      throw new IllegalArgumentException(
          "heads: "
              + heads.size()
              + " of width "
              + heads.hiddenWidth()
              + " (expected: "
              + spec.heads()
              + " of width "
              + spec.hiddenWidth()
              + ")");
    }
  }
}
