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

  /** For whom the server calls that makes the call under way; empty: nobody is known. */
  public static String behalf() {
    CallIdentity call = CallIdentity.current();
    return call == null ? "" : call.behalf();
  }

  /**
   * Who answers for what is done now: whoever makes the call under way, {@link Principal#ANYBODY}
   * where nobody is asked; outside a call {@link Principal#ITSELF}.
   */
  public static Principal acting() {
    CallIdentity call = CallIdentity.current();
    return call == null ? Principal.ITSELF : call.principal().orElse(Principal.ANYBODY);
  }
}
