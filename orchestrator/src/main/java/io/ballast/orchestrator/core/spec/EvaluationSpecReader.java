package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.SpecDefaults.CANDIDATE;
import static io.ballast.orchestrator.core.spec.SpecDefaults.EARLY_STOP_IMPROVEMENT;
import static io.ballast.orchestrator.core.spec.SpecDefaults.EARLY_STOP_PATIENCE;
import static io.ballast.orchestrator.core.spec.SpecDefaults.EVALUATION_COMPLETIONS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.EVALUATION_CONFIDENCE;
import static io.ballast.orchestrator.core.spec.SpecDefaults.EVALUATION_EVERY;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads the sections {@code evaluation} and {@code early_stop} and the key {@code candidate}. */
final class EvaluationSpecReader {
  private static final int MAX_EVERY = 100_000;
  private static final int MAX_COMPLETIONS = 64;
  private static final int MAX_PATIENCE = 1_000;
  private static final String SECTION = "evaluation";
  private static final String EARLY_STOP = "early_stop";
  private static final String CHOICE = "candidate";

  private EvaluationSpecReader() {}

  /** Null where a run is not evaluated. */
  static @Nullable EvaluationSpec read(SpecNode root) {
    EarlyStopSpec earlyStop = earlyStop(root);
    CandidateChoice candidate = root.choice(CHOICE, CANDIDATE, List.of(CandidateChoice.values()));
    if (!root.has(SECTION)) {
      if (earlyStop != null) {
        throw root.flaw(EARLY_STOP, "without an evaluation", "evaluation beside it");
      }
      if (candidate == CandidateChoice.BEST) {
        throw root.flaw(CHOICE, "BEST without an evaluation", "LAST, or evaluation beside it");
      }
      return null;
    }
    SpecNode node = root.child(SECTION, "prompts", "every", "completions", "confidence");
    return new EvaluationSpec(
        PromptSpecReader.heldOut(node),
        node.integer("every", EVALUATION_EVERY, 1, MAX_EVERY),
        node.integer("completions", EVALUATION_COMPLETIONS, 1, MAX_COMPLETIONS),
        node.number("confidence", EVALUATION_CONFIDENCE, v -> v > 0 && v < 1, "above 0, below 1"),
        earlyStop,
        candidate);
  }

  private static @Nullable EarlyStopSpec earlyStop(SpecNode root) {
    if (!root.has(EARLY_STOP)) {
      return null;
    }
    SpecNode node = root.child(EARLY_STOP, "patience", "min_improvement");
    return new EarlyStopSpec(
        node.integer("patience", EARLY_STOP_PATIENCE, 1, MAX_PATIENCE),
        node.number("min_improvement", EARLY_STOP_IMPROVEMENT, v -> v >= 0, "≥ 0"));
  }
}
