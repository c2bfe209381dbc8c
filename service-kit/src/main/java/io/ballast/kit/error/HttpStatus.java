package io.ballast.kit.error;

/** What a fault is over HTTP. */
public final class HttpStatus {
  private HttpStatus() {}

  /** The status code of {@code fault}. */
  public static int of(Fault fault) {
    return switch (fault) {
      case MALFORMED_REQUEST -> 400;
      case UNAUTHENTICATED -> 401;
      case FORBIDDEN -> 403;
      case UNKNOWN_MODEL, UNKNOWN_RESOURCE -> 404;
      case ALREADY_EXISTS, VERSION_CONFLICT, SAFETY_GATE_CLOSED, PRECONDITION_FAILED -> 409;
      case OVERLOADED -> 429;
      case CORRUPT_WEIGHTS -> 500;
      case NOT_IMPLEMENTED -> 501;
      case DEPENDENCY_BROKEN -> 502;
      case MODEL_LOADING, DEPENDENCY_DOWN -> 503;
      case TIMED_OUT -> 504;
    };
  }
}
