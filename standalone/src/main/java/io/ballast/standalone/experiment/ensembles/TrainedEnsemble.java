package io.ballast.standalone.experiment.ensembles;

import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.onnx.ScoringModel;
import io.ballast.training.scoring.TrainedMembers;
import java.util.List;

/**
 * An ensemble that learned from one seed's labels.
 *
 * @param seed from 0
 * @param flips the share of its labels that were turned round
 * @param members as they score
 * @param model as it is published
 * @param golden completions that trained nothing, to keep the scores of
 */
record TrainedEnsemble(
    int seed, double flips, TrainedMembers members, ScoringModel model, List<ScoringGroup> golden) {
  TrainedEnsemble {
    golden = List.copyOf(golden);
  }

  /** The version that it is published as. */
  String version() {
    return "seed-%d-flips-%d".formatted(seed, Math.round(100 * flips));
  }

  /** The mean over members of the share of held-out pairs in the right order. */
  double memberAccuracy() {
    return model.spec().heldOutMembers().stream()
        .mapToDouble(figures -> figures.get("within_prompt_accuracy"))
        .average()
        .orElseThrow();
  }
}
