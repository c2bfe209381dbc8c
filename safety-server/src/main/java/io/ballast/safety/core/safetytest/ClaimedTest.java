package io.ballast.safety.core.safetytest;

import java.util.UUID;

/**
 * A running test that this process has taken over. A later claim, of this process or another, voids
 * it: the store then refuses what the earlier one writes.
 *
 * @param claim counts claims of the test, from 1
 * @param tenant on whose behalf it runs
 * @param look that it took
 * @param account what went before it
 */
public record ClaimedTest(
    UUID id, int claim, String tenant, TestSpec spec, Look look, DeltaAccount account) {}
