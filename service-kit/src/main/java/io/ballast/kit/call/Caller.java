package io.ballast.kit.call;

/**
 * Who asks, after validation.
 *
 * @param requestId never empty
 * @param tenant never empty
 * @param lane how urgent the call is
 * @param idempotencyKey empty: no protection
 */
public record Caller(String requestId, String tenant, Lane lane, String idempotencyKey) {}
