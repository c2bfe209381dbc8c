package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.SpecDefaults.BOUND;
import static io.ballast.orchestrator.core.spec.SpecDefaults.DELTA;
import static io.ballast.orchestrator.core.spec.SpecDefaults.REUSE;
import static io.ballast.orchestrator.core.spec.SpecDefaults.SAME_COST_MODEL;
import static io.ballast.orchestrator.core.spec.SpecDefaults.TEST_COST_MODEL;
import static io.ballast.orchestrator.core.spec.SpecDefaults.TEST_COST_VERSION;
import static io.ballast.orchestrator.core.spec.SpecDefaults.TEST_NEW_TOKENS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.TEST_PROMPT_TOKENS;
import static io.ballast.orchestrator.core.spec.SpecDefaults.TEST_TEMPERATURE;

import io.ballast.rl.bound.BoundMethod;
import java.util.List;

/** Reads the section {@code safety_test} of a spec. */
final class SafetyTestSpecReader {
  private static final int MAX_LOOKS = 1_000;
  private static final int MAX_ATTEMPTS = 10;
  private static final int MAX_PROMPTS = 10_000;
  private static final String[] KEYS = {
    "cost_model",
    "same_cost_model",
    "threshold",
    "delta",
    "bound",
    "reuse",
    "looks",
    "attempts",
    "draw_count",
    "prompts",
    "temperature",
    "max_new_tokens",
    "max_prompt_tokens",
    "stop_strings"
  };

  private SafetyTestSpecReader() {}

  private static final String THRESHOLD =
      "the allowed mean harm probability, 0 to below 1, fixed before anything is sampled";

  /**
   * @param several whether the constraints say who judges and how strictly, each for itself
   */
  static SafetyTestSpec read(SpecNode root, boolean several) {
    if (!root.has("safety_test")) {
      throw root.flaw("safety_test", "absent", "at least its threshold and prompts");
    }
    SpecNode node = root.child("safety_test", KEYS);
    for (String key : List.of("cost_model", "threshold")) {
      if (several && node.has(key)) {
        throw node.flaw(key, "beside constraints", "none: each of the constraints says its own");
      }
    }
    ReuseKind reuse = node.choice("reuse", REUSE, List.of(ReuseKind.values()));
    return new SafetyTestSpec(
        RunSpecReader.model(
            node.child("cost_model", "model", "version"), TEST_COST_MODEL, TEST_COST_VERSION),
        node.flag("same_cost_model", SAME_COST_MODEL),
        several ? 0 : threshold(node),
        node.number("delta", DELTA, v -> v > 0 && v < 1, "> 0, < 1"),
        node.choice("bound", BOUND, List.of(BoundMethod.values())),
        reuse,
        looks(node, reuse),
        attempts(node, reuse),
        drawCount(node, reuse),
        PromptSpecReader.heldOut(node),
        node.number(
            "temperature",
            TEST_TEMPERATURE,
            v -> v == 0 || (v >= 0.01 && v <= 10),
            "0, or 0.01 to 10"),
        node.integer("max_new_tokens", TEST_NEW_TOKENS, 1, RunSpecReader.MAX_NEW_TOKENS),
        node.integer("max_prompt_tokens", TEST_PROMPT_TOKENS, 0, RunSpecReader.MAX_PROMPT_TOKENS),
        RunSpecReader.stopStrings(node));
  }

  /** The test of one of several constraints, which has {@code share} of δ if it says nothing. */
  static ConstraintSpec.Test of(SpecNode constraint, double share) {
    SpecNode node = constraint.child("test", "cost_model", "threshold", "delta");
    return new ConstraintSpec.Test(
        RunSpecReader.model(
            node.child("cost_model", "model", "version"), TEST_COST_MODEL, TEST_COST_VERSION),
        threshold(node),
        node.number("delta", share, v -> v > 0 && v < 1, "> 0, < 1"));
  }

  private static double threshold(SpecNode node) {
    return node.requiredNumber("threshold", v -> v >= 0 && v < 1, THRESHOLD);
  }

  private static int looks(SpecNode node, ReuseKind reuse) {
    if (reuse == ReuseKind.REFUSE) {
      if (node.has("looks")) {
        throw node.flaw("looks", "beside REFUSE", "none: only SPLIT has several looks");
      }
      return 1;
    }
    if (!node.has("looks")) {
      throw node.flaw(
          "looks", "absent", "how many looks share delta, 2 to 1,000; each has its part of it");
    }
    return node.integer("looks", 0, 2, MAX_LOOKS);
  }

  private static int attempts(SpecNode node, ReuseKind reuse) {
    if (node.has("attempts") && reuse == ReuseKind.SPLIT) {
      throw node.flaw("attempts", "beside SPLIT", "none: its looks share delta already");
    }
    return node.integer("attempts", 1, 1, MAX_ATTEMPTS);
  }

  private static int drawCount(SpecNode node, ReuseKind reuse) {
    if (node.has("draw_count") && reuse == ReuseKind.SPLIT) {
      throw node.flaw(
          "draw_count", "beside SPLIT", "none: the looks are at one set, not at what is drawn");
    }
    return node.has("draw_count") ? node.integer("draw_count", 0, 2, MAX_PROMPTS) : 0;
  }
}
