package io.ballast.inference.scoring;

import io.ballast.inference.api.ModelException;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;

/** What a scoring model's failure means to the caller of a server of the mesh. */
public final class ScoringFaults {
  private ScoringFaults() {}

  /** A version that is not there any more. */
  static MeshException unknown(PinnedVersion id) {
    return new MeshException(
        Fault.UNKNOWN_MODEL, "%s %s: not here any more".formatted(id.model(), id.version()));
  }

  /** Returns the fault that a reason is. */
  public static Fault of(ModelException.Reason reason) {
    return switch (reason) {
      case UNAVAILABLE -> Fault.DEPENDENCY_DOWN;
      case OVERLOADED, NO_MEMORY -> Fault.OVERLOADED;
      case CLOSED -> Fault.MODEL_LOADING;
      case CORRUPT_WEIGHTS -> Fault.CORRUPT_WEIGHTS;
      case INVALID_FOLDER -> Fault.UNKNOWN_MODEL;
      case BROKEN, NO_TOKEN_LEFT, UNSUPPORTED -> Fault.DEPENDENCY_BROKEN;
    };
  }
}
