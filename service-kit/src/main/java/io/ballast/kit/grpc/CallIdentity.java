package io.ballast.kit.grpc;

import io.ballast.kit.call.Texts;
import io.ballast.kit.security.Principal;
import io.grpc.Context;
import io.grpc.Metadata;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The request id of the call under way, and who makes it. The id starts as what the header {@code
 * x-request-id} says, or as a generated one; a request whose metadata names an id replaces it.
 * Thread-safe.
 */
final class CallIdentity {
  /** The header, and the trailer of the answer. */
  static final Metadata.Key<String> HEADER =
      Metadata.Key.of("x-request-id", Metadata.ASCII_STRING_MARSHALLER);

  /** For whom a server of the mesh calls another; of nobody else it is believed. */
  static final Metadata.Key<byte[]> BEHALF =
      Metadata.Key.of("x-ballast-behalf-bin", Metadata.BINARY_BYTE_MARSHALLER);

  private static final int MOST_BEHALF_CHARACTERS = 160;

  private static final Context.Key<CallIdentity> CURRENT = Context.key("ballast-call-identity");

  private final AtomicReference<String> requestId;
  private volatile @Nullable Principal principal;
  private volatile @Nullable String tenant;
  private volatile String behalf = "";

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

  /** Who makes the call; empty: nobody was asked. */
  Optional<Principal> principal() {
    return Optional.ofNullable(principal);
  }

  void principal(Principal known) {
    principal = known;
    tenant = known.tenant().orElse(null);
  }

  /** For whom the server calls that makes this call; empty: not said. */
  String behalf() {
    return behalf;
  }

  /** Takes what a server of the mesh says in its {@code headers}. */
  void behalf(Metadata headers) {
    byte[] said = headers.get(BEHALF);
    if (said != null) {
      behalf = Texts.asLine(new String(said, StandardCharsets.UTF_8), MOST_BEHALF_CHARACTERS);
    }
  }

  /** For whom this server calls others while it handles the call; empty: nobody is known. */
  String behalfOfOthers() {
    Principal known = principal;
    return !behalf.isEmpty() || known == null
        ? behalf
        : known.name() + " by " + known.proof().label();
  }

  /** The tenant that it is for; null: not known yet. */
  @Nullable String tenant() {
    return tenant;
  }

  void tenant(String named) {
    tenant = named;
  }
}
