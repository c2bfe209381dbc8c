package io.ballast.safety.adapter;

import io.ballast.inference.api.ModelException;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;

/** What a model's failure means to the caller of this server. */
final class ModelFaults {
  private ModelFaults() {}

  static MeshException translate(ModelException e) {
    Fault fault =
        switch (e.reason()) {
          case CORRUPT_WEIGHTS -> Fault.CORRUPT_WEIGHTS;
          case INVALID_FOLDER -> Fault.UNKNOWN_MODEL;
          case OVERLOADED -> Fault.OVERLOADED;
          case CLOSED -> Fault.MODEL_LOADING;
          case BROKEN -> Fault.DEPENDENCY_BROKEN;
        };
    return new MeshException(fault, String.valueOf(e.getMessage()), e);
  }
}
