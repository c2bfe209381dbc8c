package io.ballast.kit.grpc;

import io.ballast.kit.security.Principal;
import java.util.Optional;

/** Who makes the call under way. */
public final class Principals {
  private Principals() {}

  /** The principal of the current Context; empty outside a call, and where nobody is asked. */
  public static Optional<Principal> current() {
    CallIdentity call = CallIdentity.current();
    return call == null ? Optional.empty() : call.principal();
  }
}
