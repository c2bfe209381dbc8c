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

    private boolean needsServed() {
      return spec.objective().requires().contains(PerTokenName.SERVED_LOG_PROB);
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
    boolean masked = true;
    for (int i = 0; i < groups.size(); i++) {
      String path = "groups[" + i + "]";
      TrainingGroup group = groups.get(i);
      switch (this) {
        case Named named -> {
          requireRoles(named, group, path);
          for (int g = 0; g < group.size(); g++) {
            requireNumbers(named, group.completions().get(g), path + ".completions[" + g + "]");
          }
        }
        case CallerGradients() -> requireGradients(group, path);
      }
      masked &= group.completions().stream().allMatch(TrainingCompletion::masked);
    }
    if (masked) {
      throw Faults.malformed(
          "groups", "loss_mask is 0 for every token (expected: at least one above 0)");
    }
  }

  private static void requireRoles(Named named, TrainingGroup group, String path) {
    boolean reads = named.needs().contains(Need.REFERENCE_COMPLETIONS);
    int fromReference = 0;
    int preferred = 0;
    for (int g = 0; g < group.size(); g++) {
      TrainingCompletion completion = group.completions().get(g);
      if (completion.fromReference() && !reads) {
        throw Faults.malformed(
            "%s.completions[%d].from_reference".formatted(path, g),
            "beside %s (expected: false; XPO reads it)".formatted(named.spec().kind()));
      }
      fromReference += completion.fromReference() ? 1 : 0;
      preferred += completion.preferred() && !completion.fromReference() ? 1 : 0;
    }
    if (!named.needs().contains(Need.PAIRS)) {
      return;
    }
    if (reads && (group.size() != 3 || preferred != 1 || fromReference != 1)) {
      throw Faults.malformed(
          path + ".completions",
          "%d, of which %d preferred and %d from the reference (expected: 3, of which 1 and 1)"
              .formatted(group.size(), preferred, fromReference));
    }
    if (!reads && (group.size() != 2 || preferred != 1)) {
      throw Faults.malformed(
          path + ".completions",
          "%d, of which %d preferred (expected: 2, of which 1)".formatted(group.size(), preferred));
    }
    for (int g = 0; g < group.size(); g++) {
      if (group.completions().get(g).masked()) {
        throw Faults.malformed(
            "%s.completions[%d].loss_mask".formatted(path, g),
            "0 for every token (expected: at least one above 0)");
      }
    }
  }

  private static void requireNumbers(Named named, TrainingCompletion completion, String path) {
    if (named.needsServed() && completion.servedLogProbs().size() == 0) {
      throw Faults.malformed(
          path + ".served_log_probs",
          "none (expected: one for each token; importance_cap weighs with them)");
    }
    boolean one = named.needs().contains(Need.ONE_ADVANTAGE);
    if (!one && !named.needs().contains(Need.ADVANTAGES)) {
      return;
    }
    String field = path + ".advantages";
    if (completion.advantages().size() == 0) {
      throw Faults.malformed(field, "none (expected: one, or one for each token)");
    }
    if (one && varies(completion)) {
      throw Faults.malformed(field, "they differ (expected: one for the whole completion)");
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
      TrainingCompletion completion = group.completions().get(g);
      if (completion.logProbGradients().size() == 0) {
        throw Faults.malformed(
            "%s.completions[%d].log_prob_gradients".formatted(path, g),
            "none (expected: one for each token)");
      }
      if (completion.lossMask().size() > 0) {
        throw Faults.malformed(
            "%s.completions[%d].loss_mask".formatted(path, g),
            "beside caller_gradients (expected: none; a gradient of 0 says it)");
      }
    }
  }
}
