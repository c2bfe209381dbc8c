package io.ballast.kit.grpc;

import io.ballast.kit.call.Lane;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.Principal;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.slf4j.MDC;

/** Reads who asks from a request's metadata: validates it and fills in defaults. */
public final class RequestContexts {
  /** The tenant of a request that names none. */
  public static final String DEFAULT_TENANT = "default";

  private static final Pattern REQUEST_ID = Pattern.compile("[A-Za-z0-9._:-]{1,128}");
  private static final int MAX_KEY_CHARACTERS = 128;

  private RequestContexts() {}

  /**
   * As {@link #from(RequestMetadata, Supplier)}; a request without an id gets the one of the header
   * {@code x-request-id}, or the one that the server generated for the call.
   */
  public static RequestContext from(RequestMetadata metadata) {
    return from(metadata, () -> UUID.randomUUID().toString());
  }

  /**
   * Returns the validated context, and makes its request id the call's own: the answer's trailers
   * and calls to peers carry it.
   *
   * @param newRequestId asked when neither the metadata nor the call has an id
   * @throws MeshException MALFORMED_REQUEST, naming the field and its allowed range; FORBIDDEN if
   *     the tenant is not one that the caller may ask for
   */
  public static RequestContext from(RequestMetadata metadata, Supplier<String> newRequestId) {
    return new RequestContext(
        requestId(metadata.getRequestId(), newRequestId),
        tenant(metadata.getTenant()),
        priority(metadata),
        idempotencyKey(metadata.getIdempotencyKey()));
  }

  /** Whether {@code id} may be a request id: 1 to 128 characters of [A-Za-z0-9._:-]. */
  static boolean isRequestId(String id) {
    return REQUEST_ID.matcher(id).matches();
  }

  private static String requestId(String asked, Supplier<String> newRequestId) {
    CallIdentity call = CallIdentity.current();
    if (asked.isEmpty()) {
      return call == null ? newRequestId.get() : call.requestId();
    }
    if (!isRequestId(asked)) {
      throw malformed(
          "metadata.request_id", asked, "at most 128 characters of [A-Za-z0-9._:-], or empty");
    }
    if (call != null) {
      call.rename(asked);
    }
    return asked;
  }

  /** The caller's own where the request names none. */
  private static String tenant(String asked) {
    if (!asked.isEmpty() && !Principal.isTenant(asked)) {
      throw malformed("metadata.tenant", asked, Principal.TENANT_FORM + ", or empty");
    }
    String tenant = Principals.current().orElse(Principal.ANYBODY).tenantOf(asked, DEFAULT_TENANT);
    CallIdentity call = CallIdentity.current();
    if (call != null) {
      call.tenant(tenant);
    }
    if (MDC.get("tenant") != null) { // whoever put it there takes it away
      MDC.put("tenant", tenant);
    }
    return tenant;
  }

  /** What the request asks for, or the caller's own where it asks for more than that may have. */
  private static Priority priority(RequestMetadata metadata) {
    if (metadata.getPriority() == Priority.UNRECOGNIZED) {
      throw malformed(
          "metadata.priority",
          Integer.toString(metadata.getPriorityValue()),
          "0 unspecified, 1 interactive, 2 trainer, 3 batch");
    }
    Lane asked = MeshMessages.lane(metadata.getPriority());
    return MeshMessages.priority(
        Principals.current().map(known -> known.laneOf(asked)).orElse(asked));
  }

  private static String idempotencyKey(String asked) {
    if (asked.codePointCount(0, asked.length()) > MAX_KEY_CHARACTERS) {
      throw malformed(
          "metadata.idempotency_key",
          "%,d characters".formatted(asked.codePointCount(0, asked.length())),
          "at most 128 characters");
    }
    for (int i = 0; i < asked.length(); i++) {
      if (Character.isISOControl(asked.charAt(i))) {
        throw malformed(
            "metadata.idempotency_key",
            "character %d is U+%04X".formatted(i, (int) asked.charAt(i)),
            "no control characters");
      }
    }
    return asked;
  }

  private static MeshException malformed(String field, String value, String allowed) {
    String shown = value.length() <= 40 ? value : value.substring(0, 40) + "…";
    return new MeshException(
        Fault.MALFORMED_REQUEST,
        "%s: %s (allowed: %s)".formatted(field, shown, allowed),
        Map.of("field", field, "value", shown, "allowed", allowed));
  }
}
