package io.ballast.inference.triton;

/** A server could not be asked, or did not answer as it promised. The reason is data. */
public final class TritonException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Why there is no answer. */
  public enum Reason {
    /** The server has no such model or version, or has unloaded it. */
    UNKNOWN_MODEL,
    /** No server is reached, or it is stopping, or the model says so. */
    UNAVAILABLE,
    /** The model's queue is full. */
    QUEUE_FULL,
    /** The request waited on the server for longer than it might. */
    EXPIRED,
    /** Nothing came, or not all of it, until the caller's deadline. */
    SILENT,
    /** The caller left. */
    CANCELLED,
    /** The server will not take this request: a name, shape or type that the model has not. */
    BAD_REQUEST,
    /** The process behind the model has died. It stays dead until it is unloaded and loaded. */
    DEAD_STUB,
    /** The model itself failed. */
    MODEL_FAILED,
    /** The answer is not what the model's metadata promise, or not as many as promised. */
    WRONG_ANSWER,
    /** A model could not be loaded. */
    LOAD_FAILED,
    /** A shared region of this name is there already. */
    ALREADY_THERE,
    /** The server has no shared region of this name. */
    UNKNOWN_REGION,
    /** The request or the answer is larger than a message may be. */
    TOO_LARGE,
    /** The server cannot do this, such as answer once for a decoupled model. */
    UNSUPPORTED,
    /** This client cannot do this here: there is no CUDA, no shared memory, or no room for it. */
    NOT_HERE,
    /** The server wants to know who asks, or knows and refuses. */
    FORBIDDEN,
    /** The server failed in a way that is none of the above. */
    SERVER_FAILED
  }

  private final Reason reason;

  public TritonException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  public TritonException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** Why. */
  public Reason reason() {
    return reason;
  }
}
