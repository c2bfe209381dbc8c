package io.ballast.safety.core.safetytest;

/** How often a set of held-out prompts may be looked at, by all candidates together. */
public enum ReuseRule {
  /** Once. */
  REFUSE,
  /** Several times, each look with its part of δ (Bonferroni), until one passes. */
  SPLIT
}
