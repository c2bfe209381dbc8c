package io.ballast.kit.grpc;

import io.ballast.mesh.v1.Priority;

/**
 * Who asks and how urgently, after validation and with defaults filled in.
 *
 * @param requestId never empty
 * @param tenant never empty
 * @param priority never UNSPECIFIED
 * @param idempotencyKey empty: no protection
 */
public record RequestContext(
    String requestId, String tenant, Priority priority, String idempotencyKey) {}
