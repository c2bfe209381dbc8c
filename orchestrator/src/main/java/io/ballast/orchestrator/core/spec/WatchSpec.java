package io.ballast.orchestrator.core.spec;

import org.jspecify.annotations.Nullable;

/**
 * What is watched of a run's rewards, and what follows when they can no longer be believed.
 *
 * @param spread how far it may grow; a reward that tells none raises no alarm by it
 * @param maxGap how much further than gold the reward may have risen, each in the standard
 *     deviation that it had when gold was first read, ≥ 0
 * @param patience how many observations in a row must be over a limit, ≥ 1
 * @param action what an alarm leads to
 * @param gold null: there is none, and so no gap
 */
public record WatchSpec(
    SpreadLimit spread, double maxGap, int patience, WatchAction action, @Nullable GoldSpec gold) {}
