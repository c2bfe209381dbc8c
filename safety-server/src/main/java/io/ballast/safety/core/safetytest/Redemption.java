package io.ballast.safety.core.safetytest;

import java.time.Instant;
import java.util.UUID;

/**
 * Leave to move one alias once, by a certificate. On record for good.
 *
 * @param ordinal which one of this certificate for this alias, from 1
 * @param expiresAt from this moment on it allows nothing
 */
public record Redemption(
    UUID id,
    UUID certificateId,
    int ordinal,
    AliasChange change,
    String tenant,
    String idempotencyKey,
    Instant redeemedAt,
    Instant expiresAt) {}
