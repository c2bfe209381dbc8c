package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.PinnedVersion;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * One look that a test took; never deleted.
 *
 * @param testId the test, whose id is the entry's
 * @param promptsSha256 the set of prompts
 * @param promptsCount how many there are
 * @param account how it shares δ with other tests
 * @param poolSha256 the pool that they were drawn from; empty: they were not drawn
 * @param givenBackAt present if the test failed before it could have told anything
 * @param candidate that was looked at
 * @param closed whether no further look at the set is possible
 */
public record LedgerEntry(
    UUID testId,
    String promptsSha256,
    int promptsCount,
    Look look,
    AccountShare account,
    String poolSha256,
    Instant takenAt,
    Optional<Instant> givenBackAt,
    PinnedVersion candidate,
    boolean closed) {}
