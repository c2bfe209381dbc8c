package io.ballast.policy.core;

import io.ballast.inference.api.BusyException;
import io.ballast.inference.api.ModelException;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Translates an engine's failure into the mesh's faults, or into the failure of one item. */
public final class ModelFaults {
  private ModelFaults() {}

  /** The failure of a whole call. */
  public static MeshException toCallFailure(ModelException e) {
    return toCallFailure(e, UnaryOperator.identity());
  }

  /**
   * The failure of a whole call.
   *
   * @param shown makes of the engine's message what a caller may read
   */
  public static MeshException toCallFailure(ModelException e, UnaryOperator<String> shown) {
    if (e.reason() == ModelException.Reason.NO_TOKEN_LEFT) {
      return Texts.malformed("sampling", messageOf(e)); // the options are at fault, all together
    }
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
    return new MeshException(fault, shown.apply(messageOf(e)), metadata(e), e);
  }

  private static Map<String, String> metadata(ModelException e) {
    return e instanceof BusyException busy
        ? Map.of(
            MeshException.SHED,
            "queue_time",
            MeshException.RETRY_DELAY,
            busy.retryDelay().toString())
        : Map.of();
  }

  /** The failure of one item at {@code path}, such as {@code prompts[3]}. */
  public static ItemFault toItemFault(String path, ModelException e) {
    ItemFault.Reason reason =
        switch (e.reason()) {
          case OVERLOADED, NO_MEMORY -> ItemFault.Reason.OVERLOADED;
          case NO_TOKEN_LEFT, UNSUPPORTED -> ItemFault.Reason.INVALID_INPUT;
          case INVALID_FOLDER, CORRUPT_WEIGHTS, CLOSED, BROKEN, UNAVAILABLE ->
              ItemFault.Reason.MODEL_ERROR;
        };
    return new ItemFault(reason, path + ": " + messageOf(e));
  }

  private static String messageOf(ModelException e) {
    String message = e.getMessage();
    return message == null ? e.reason().name() : message;
  }
}
