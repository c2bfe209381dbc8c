package io.ballast.orchestrator.core;

/**
 * Who asks, validated.
 *
 * @param tenant never empty; sessions and runs of one tenant do not exist for another
 * @param idempotencyKey empty: no protection
 */
public record Caller(String tenant, String idempotencyKey) {}
