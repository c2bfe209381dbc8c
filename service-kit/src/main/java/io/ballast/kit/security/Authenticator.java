package io.ballast.kit.security;

import java.util.Optional;

/** Knows callers by one kind of proof. Quick, for it runs on the thread that takes the call. */
interface Authenticator {
  /**
   * Who shows {@code credentials}, and until when they prove it; empty: they hold nothing of this
   * kind.
   *
   * @throws io.ballast.kit.error.MeshException UNAUTHENTICATED if they do, and it proves nothing
   */
  Optional<Known> know(Credentials credentials);
}
