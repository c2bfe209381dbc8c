package io.ballast.orchestrator.core.learner;

import io.ballast.orchestrator.core.Faults;
import io.ballast.rl.algorithm.LossSpec;
import io.ballast.rl.algorithm.Need;
import io.ballast.rl.sample.PerTokenName;
import java.util.List;
import java.util.Set;

/** Which loss a forward-backward computes. */
public sealed interface LossRequest {
  /** An objective of the learner's. */
  record Named(LossSpec spec) implements LossRequest {
    /** Whether it reads log-probabilities under the reference. */
    boolean needsReference() {
      return spec.objective().requires().contains(PerTokenName.REFERENCE_LOG_PROB);
    }

    /** Whether completions are good or bad by themselves. */
    boolean rated() {
      return needs().contains(Need.RATINGS);
    }

    private Set<Need> needs() {
      return spec.kind().facts().needs();
    }
  }

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
        case Named named -> requireInputs(named, group, path);
        case CallerGradients() -> requireGradients(group, path);
      }
    }
  }

  private static void requireInputs(Named named, TrainingGroup group, String path) {
    if (named.needs().contains(Need.PAIRS)) {
      long preferred = group.completions().stream().filter(c -> c.preferred()).count();
      if (group.size() != 2 || preferred != 1) {
        throw Faults.malformed(
            path + ".completions",
            "%d, of which %d preferred (expected: 2, of which 1)"
                .formatted(group.size(), preferred));
      }
    }
    boolean one = named.needs().contains(Need.ONE_ADVANTAGE);
    boolean needed = one || named.needs().contains(Need.ADVANTAGES);
    for (int g = 0; needed && g < group.size(); g++) {
      TrainingCompletion completion = group.completions().get(g);
      String field = "%s.completions[%d].advantages".formatted(path, g);
      if (completion.advantages().size() == 0) {
        throw Faults.malformed(field, "none (expected: one, or one for each token)");
      }
      if (one && varies(completion)) {
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
