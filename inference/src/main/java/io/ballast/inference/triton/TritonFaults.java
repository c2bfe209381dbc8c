package io.ballast.inference.triton;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;

/** Judges a server's failure for those who only know models. */
final class TritonFaults {
  private TritonFaults() {}

  /** Returns the failure of a model that a server failed to run. */
  static ModelException of(TritonException e) {
    Reason reason =
        switch (e.reason()) {
          case QUEUE_FULL, EXPIRED -> Reason.OVERLOADED;
          case UNAVAILABLE, UNKNOWN_MODEL, SILENT, DEAD_STUB, CANCELLED -> Reason.UNAVAILABLE;
          // where it cannot do what we ask of every server, no caller has asked for too much
          case UNSUPPORTED,
              NOT_HERE,
              BAD_REQUEST,
              MODEL_FAILED,
              WRONG_ANSWER,
              LOAD_FAILED,
              ALREADY_THERE,
              UNKNOWN_REGION,
              TOO_LARGE,
              FORBIDDEN,
              SERVER_FAILED ->
              Reason.BROKEN;
        };
    return new ModelException(reason, String.valueOf(e.getMessage()), e);
  }
}
