package io.ballast.orchestrator.core;

/**
 * Who asks, validated.
 *
 * @param tenant never empty; sessions and runs of one tenant do not exist for another
 * @param idempotencyKey empty: no protection
 * @param bound whether it may ask on behalf of this tenant only
 */
public record Caller(String tenant, String idempotencyKey, boolean bound) {
  /** Somebody who may ask on behalf of any tenant, and asks on this one's. */
  public Caller(String tenant, String idempotencyKey) {
    this(tenant, idempotencyKey, false);
  }
}
