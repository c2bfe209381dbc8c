package io.ballast.reward.grpc;

import io.ballast.inference.scoring.OnBehalf;
import io.ballast.kit.call.Caller;
import io.ballast.kit.grpc.Principals;
import io.ballast.kit.security.Principal;
import io.ballast.mesh.v1.RequestMetadata;
import java.util.Optional;

/**
 * Whose a call is. One that is bound to no tenant and names none is made for the mesh, although it
 * counts as the default tenant's.
 */
final class CallTenants {
  private CallTenants() {}

  /** The tenant that the caller is bound to; empty: none. */
  static Optional<String> bound() {
    return Principals.current().flatMap(Principal::tenant);
  }

  /** The tenant that a call is for in particular; empty: the mesh. */
  static Optional<String> of(RequestMetadata metadata) {
    return bound().or(() -> Optional.of(metadata.getTenant()).filter(tenant -> !tenant.isEmpty()));
  }

  /** On whose behalf models are asked. */
  static OnBehalf behalf(Caller caller, RequestMetadata metadata) {
    return new OnBehalf(caller.tenant(), of(metadata).isEmpty());
  }

  /** On whose behalf models are asked where a request has no metadata. */
  static OnBehalf behalf() {
    return bound().map(tenant -> new OnBehalf(tenant, false)).orElse(OnBehalf.MESH);
  }
}
