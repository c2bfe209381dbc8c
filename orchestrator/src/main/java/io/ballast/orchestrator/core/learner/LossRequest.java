package io.ballast.orchestrator.core.learner;

import io.ballast.orchestrator.core.Faults;
import java.util.List;

/** Which loss a forward-backward computes. */
public sealed interface LossRequest {
  /** An objective of the learner's. */
  record Named(NamedObjective objective) implements LossRequest {}

  /** Σ gᵗ·logpᵗ + Σ vᵗ·Hᵗ with the gradients that the completions bring. */
  record CallerGradients() implements LossRequest {}

  /**
   * Checks that {@code groups} bring what the loss reads.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming what is missing
   */
  default void requireInputs(List<TrainingGroup> groups) {
    for (int i = 0; i < groups.size(); i++) {
      String path = "groups[" + i + "]";
      TrainingGroup group = groups.get(i);
      switch (this) {
        case Named(NamedObjective objective) -> requireInputs(objective, group, path);
        case CallerGradients() -> requireGradients(group, path);
      }
    }
  }

  private static void requireInputs(NamedObjective objective, TrainingGroup group, String path) {
    if (objective.kind() == ObjectiveKind.DPO) {
      long preferred = group.completions().stream().filter(c -> c.preferred()).count();
      if (group.size() != 2 || preferred != 1) {
        throw Faults.malformed(
            path + ".completions",
            "%d, of which %d preferred (expected: 2, of which 1)"
                .formatted(group.size(), preferred));
      }
    }
    for (int g = 0; objective.needsAdvantages() && g < group.size(); g++) {
      TrainingCompletion completion = group.completions().get(g);
      String field = "%s.completions[%d].advantages".formatted(path, g);
      if (completion.advantages().size() == 0) {
        throw Faults.malformed(field, "none (expected: one, or one for each token)");
      }
      if (objective.kind() == ObjectiveKind.GSPO && varies(completion)) {
        throw Faults.malformed(field, "they differ (expected: one for the whole completion)");
      }
    }
  }

  private static boolean varies(TrainingCompletion completion) {
    for (int t = 1; t < completion.advantages().size(); t++) {
      if (completion.advantages().get(t) != completion.advantages().get(0)) {
        return true;
      }
    }
    return false;
  }

  private static void requireGradients(TrainingGroup group, String path) {
    for (int g = 0; g < group.size(); g++) {
      if (group.completions().get(g).logProbGradients().size() == 0) {
        throw Faults.malformed(
            "%s.completions[%d].log_prob_gradients".formatted(path, g),
            "none (expected: one for each token)");
      }
    }
  }
}
