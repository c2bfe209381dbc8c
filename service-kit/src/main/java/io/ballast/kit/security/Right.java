package io.ballast.kit.security;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What a caller may be to the mesh; {@link RpcAccess} says which calls each may make. */
public enum Right {
  /** Asks for suggestions and scores, and says what became of them. */
  APPLICATION,
  /** Samples, scores, learns and tests: the mesh as a remote oracle. */
  TRAINER,
  /** Moves aliases, revokes certificates, loads and unloads models. */
  OPERATOR,
  /** Reads what was decided and why, and changes nothing. */
  AUDITOR,
  /** A server of the mesh that calls another. */
  PEER;

  /** As configuration and tokens have it, such as {@code application}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The right of this name; empty: there is none. */
  public static Optional<Right> of(String label) {
    return Arrays.stream(values()).filter(right -> right.label().equals(label)).findFirst();
  }
}
