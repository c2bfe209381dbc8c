package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.Caller;
import java.time.Instant;
import java.util.UUID;

/** A test to store. */
public record NewTest(
    UUID id, Caller caller, String fingerprint, TestSpec spec, String runId, Instant startedAt) {}
