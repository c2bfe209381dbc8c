package io.ballast.safety.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.function.UnaryOperator;

/** What a model's failure means to the caller of this server. */
final class ModelFaults {
  private ModelFaults() {}

  static MeshException translate(ModelException e) {
    return translate(e, UnaryOperator.identity());
  }

  /**
   * As the other.
   *
   * @param shown makes of the engine's message what a caller may read
   */
  static MeshException translate(ModelException e, UnaryOperator<String> shown) {
    Fault fault =
        switch (e.reason()) {
          case CORRUPT_WEIGHTS -> Fault.CORRUPT_WEIGHTS;
          case INVALID_FOLDER -> Fault.UNKNOWN_MODEL;
          case OVERLOADED, NO_MEMORY -> Fault.OVERLOADED;
          case CLOSED -> Fault.MODEL_LOADING;
          case BROKEN -> Fault.DEPENDENCY_BROKEN;
          case NO_TOKEN_LEFT, UNSUPPORTED -> Fault.MALFORMED_REQUEST;
          case UNAVAILABLE -> Fault.DEPENDENCY_DOWN;
        };
    return new MeshException(fault, shown.apply(String.valueOf(e.getMessage())), e);
  }
}
