package io.ballast.kit.security;

import io.ballast.kit.call.Lane;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Who makes a call, as far as this process could see for itself.
 *
 * @param name for logs and people, such as a subject; no secret
 * @param tenant on whose behalf it may ask; empty: on any tenant's
 * @param rights what it may be, at least one
 * @param proof by what it is known
 */
public record Principal(String name, Optional<String> tenant, Set<Right> rights, Proof proof) {
  /** By what a principal is known. */
  public enum Proof {
    /** Nothing: the mesh asks nobody who they are. */
    NONE,
    /** It is this process. */
    PROCESS,
    /** The bearer token of the mesh. */
    TOKEN,
    /** A certificate that an authority vouches for. */
    CERTIFICATE,
    /** A signed token of an identity provider. */
    JWT;

    /** In lower case, as the audit trail has it. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Whoever calls a mesh that asks nobody who they are. */
  public static final Principal ANYBODY =
      new Principal("anybody", Optional.empty(), EnumSet.allOf(Right.class), Proof.NONE);

  /** A server that does what nobody called it for, such as what it does by the clock. */
  public static final Principal ITSELF =
      new Principal("the server itself", Optional.empty(), EnumSet.of(Right.PEER), Proof.PROCESS);

  /** What a tenant is called. */
  public static final String TENANT_FORM = "at most 64 characters of [A-Za-z0-9._-]";

  /** Of whoever has one of these, a person may wait for what it calls. */
  private static final Set<Right> WAITED_FOR =
      Set.of(Right.APPLICATION, Right.OPERATOR, Right.PEER);

  private static final Pattern TENANT = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  /** Whether a tenant can be called {@code name}: 1 to 64 characters of [A-Za-z0-9._-]. */
  public static boolean isTenant(String name) {
    return TENANT.matcher(name).matches();
  }

  /** Checks and copies. */
  public Principal {
    if (rights.isEmpty()) {
      throw new IllegalArgumentException("rights of " + name + ": none (expected: at least one)");
    }
    rights = Set.copyOf(rights);
  }

  /**
   * The lane that a call of this principal travels in: what a trainer does is nobody's wait, so
   * that its calls do not go before those of people, whatever they ask for.
   *
   * @param asked what the request says, or means by saying nothing
   */
  public Lane laneOf(Lane asked) {
    boolean onlyTrains = rights.contains(Right.TRAINER) && Collections.disjoint(rights, WAITED_FOR);
    return onlyTrains && asked == Lane.INTERACTIVE ? Lane.TRAINER : asked;
  }

  /**
   * The tenant that a request is for.
   *
   * @param asked what the request says; empty: nothing
   * @param otherwise the tenant of a principal of any tenant whose request says nothing
   * @throws MeshException FORBIDDEN if the request is for a tenant that is not its own
   */
  public String tenantOf(String asked, String otherwise) {
    requireTenant(asked);
    return asked.isEmpty() ? tenant.orElse(otherwise) : asked;
  }

  /**
   * Refuses a request for a tenant that is not this principal's.
   *
   * @param asked what the request says; empty: nothing
   * @throws MeshException FORBIDDEN
   */
  public void requireTenant(String asked) {
    if (!asked.isEmpty() && tenant.isPresent() && !tenant.get().equals(asked)) {
      throw new MeshException(
          Fault.FORBIDDEN,
          "metadata.tenant: not one that %s may ask for (expected: %s, or empty)"
              .formatted(name, tenant.get()),
          Map.of("field", "metadata.tenant", "principal", name, "tenant", tenant.get()));
    }
  }
}
