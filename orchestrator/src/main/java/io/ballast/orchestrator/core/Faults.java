package io.ballast.orchestrator.core;

import io.ballast.inference.api.ModelException;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Failures that name what was wrong. */
public final class Faults {
  private static final int MAX_NAME_CHARACTERS = 128;

  private Faults() {}

  /** A request that is wrong at {@code field}: {@code objective.clip_low: 1.5 (expected: …)}. */
  public static MeshException malformed(String field, String flaw) {
    return new MeshException(
        Fault.MALFORMED_REQUEST, field + ": " + flaw, Map.of("field", field, "flaw", flaw));
  }

  /** A thing of the caller's that does not exist, or is another tenant's. */
  public static MeshException unknown(String kind, String id) {
    return new MeshException(
        Fault.UNKNOWN_RESOURCE, "there is no %s '%s'".formatted(kind, id), Map.of(kind, id));
  }

  /** A thing that is not in a state in which this can be done. */
  public static MeshException precondition(String message) {
    return new MeshException(Fault.PRECONDITION_FAILED, message);
  }

  /** Translates an engine's failure. */
  public static MeshException of(ModelException e) {
    return of(e, UnaryOperator.identity());
  }

  /**
   * Translates an engine's failure.
   *
   * @param shown makes of its message what a caller may read: no path of this server
   */
  public static MeshException of(ModelException e, UnaryOperator<String> shown) {
    Fault fault =
        switch (e.reason()) {
          case INVALID_FOLDER -> Fault.PRECONDITION_FAILED;
          case CORRUPT_WEIGHTS -> Fault.CORRUPT_WEIGHTS;
          case OVERLOADED, NO_MEMORY -> Fault.OVERLOADED;
          case CLOSED -> Fault.MODEL_LOADING;
          case BROKEN -> Fault.DEPENDENCY_BROKEN;
          case NO_TOKEN_LEFT, UNSUPPORTED -> Fault.MALFORMED_REQUEST;
          case UNAVAILABLE -> Fault.DEPENDENCY_DOWN;
        };
    return new MeshException(fault, shown.apply(String.valueOf(e.getMessage())), e);
  }

  /**
   * Returns {@code name} if it may name a model, a version or a run: 1 to 128 of [A-Za-z0-9._-], a
   * letter or digit first, as in the model store.
   *
   * @throws MeshException MALFORMED_REQUEST, naming {@code field}
   */
  public static String requireName(String field, String name) {
    return Texts.requireName(field, name);
  }

  /**
   * Returns {@code name} if it may name a file or folder of this server: 1 to 128 of
   * [A-Za-z0-9._-], not starting with a dot, so that no name leads out of its folder.
   *
   * @throws MeshException MALFORMED_REQUEST, naming {@code field}
   */
  public static String requireFileName(String field, String name) {
    boolean holds =
        !name.isEmpty()
            && name.length() <= MAX_NAME_CHARACTERS
            && name.charAt(0) != '.'
            && name.chars().allMatch(Faults::mayBeInName);
    if (!holds) {
      String shown = name.length() <= MAX_NAME_CHARACTERS ? name : name.substring(0, 32) + "…";
      throw malformed(
          field, "'%s' (expected: 1 to 128 of [A-Za-z0-9._-], no dot first)".formatted(shown));
    }
    return name;
  }

  private static boolean mayBeInName(int c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '.'
        || c == '_'
        || c == '-';
  }
}
