package io.ballast.kit.grpc;

import io.grpc.Context;
import io.grpc.Metadata;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The request id of the call under way. It starts as what the header {@code x-request-id} says, or
 * as a generated one; a request whose metadata names an id replaces it. Thread-safe.
 */
final class CallIdentity {
  /** The header, and the trailer of the answer. */
  static final Metadata.Key<String> HEADER =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

  private static final Context.Key<CallIdentity> CURRENT = Context.key("ballast-call-identity");

  private final AtomicReference<String> requestId;

  CallIdentity(String requestId) {
    this.requestId = new AtomicReference<>(requestId);
  }

  /** The identity in the current Context; null outside a call. */
  static @Nullable CallIdentity current() {
    return CURRENT.get();
  }

  Context in(Context context) {
    return context.withValue(CURRENT, this);
  }

  String requestId() {
    return requestId.get();
  }

  void rename(String id) {
    requestId.set(id);
  }
}
