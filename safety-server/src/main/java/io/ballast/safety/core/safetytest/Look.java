package io.ballast.safety.core.safetytest;

/**
 * A look at a set of prompts.
 *
 * @param ordinal which look at the set, from 1
 */
public record Look(LookRule rule, int ordinal) {}
