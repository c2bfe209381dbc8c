package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.PinnedVersion;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * A test as it is shown; its prompts stay in the store.
 *
 * @param tenant on whose behalf it was started
 * @param outcome empty until it has ended, if it failed, and while it is sealed
 * @param certificateId present if it passed
 * @param failureMessage empty unless it failed
 * @param judgedCount prompts judged so far
 * @param look that it took; empty if it was given back before there was a ledger
 * @param sealed whether its numbers are kept back until the set of its prompts closes
 */
public record StoredTest(
    UUID id,
    String tenant,
    TestState state,
    PinnedVersion candidate,
    PinnedVersion costModel,
    Optional<TestOutcome> outcome,
    Optional<UUID> certificateId,
    String failureMessage,
    String promptsSha256,
    int promptsCount,
    String runId,
    Instant startedAt,
    Optional<Instant> endedAt,
    int judgedCount,
    Optional<LedgerEntry> look,
    boolean sealed) {}
