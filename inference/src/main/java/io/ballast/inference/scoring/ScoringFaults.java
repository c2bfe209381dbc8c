package io.ballast.inference.scoring;

import io.ballast.inference.api.ModelException;
import io.ballast.kit.error.Fault;

/** What a scoring model's failure means to the caller of a server of the mesh. */
public final class ScoringFaults {
  private ScoringFaults() {}

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
