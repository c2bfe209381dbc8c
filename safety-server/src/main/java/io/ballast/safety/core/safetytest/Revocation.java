package io.ballast.safety.core.safetytest;

import java.time.Instant;

/**
 * Why a certificate is void, for good.
 *
 * @param reason one line for a person
 * @param tenant on whose behalf
 */
public record Revocation(Instant at, String reason, String tenant) {}
