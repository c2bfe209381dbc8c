package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.Texts;

/**
 * How a judge depends on the cost models that the candidate's run optimised against, where the spec
 * of the test allows that it does. Its certificate says so.
 *
 * @param sameModel whether it is one of them
 * @param commonLabels the most labels that taught it and one of the others
 * @param unsaidModels of how many of the others it is not said which labels taught them or it
 */
public record JudgeDependence(boolean sameModel, int commonLabels, int unsaidModels) {
  /** In words. */
  String text() {
    String of = "one that the candidate's run optimised against";
    String labels = Texts.counted(commonLabels, "label") + " taught it and ";
    String held;
    if (sameModel) {
      held = of + (commonLabels > 0 ? ", and " + labels + "another of those" : "");
    } else {
      held = commonLabels > 0 ? labels + of : "not " + of;
    }
    String unsaid =
        unsaidModels > 0 ? ", of %,d the labels are not said".formatted(unsaidModels) : "";
    return held + unsaid + "; its spec allows the same (same_cost_model)";
  }
}
