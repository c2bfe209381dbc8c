package io.ballast.inference.api;

/** A model could not answer. The reason is data; servers translate it to their faults. */
public sealed class ModelException extends RuntimeException
    permits BusyException, NotFiniteException {
  private static final long serialVersionUID = 1L;

  /** Why a model could not answer. */
  public enum Reason {
    /** A file of the model folder is missing, or is not what it should be. */
    INVALID_FOLDER,
    /** A file's checksum is not the recorded one. */
    CORRUPT_WEIGHTS,
    /** The engine's queue is full. */
    OVERLOADED,
    /** The budget of memory has not room for the model beside those that are loaded. */
    NO_MEMORY,
    /** The engine was closed. */
    CLOSED,
    /** The model produced a number that is not finite, or the engine failed. */
    BROKEN,
    /** A request's own options leave no token to draw: penalties, bans and grammar together. */
    NO_TOKEN_LEFT,
    /** The engine cannot do what was asked, such as tell a number that its back end keeps. */
    UNSUPPORTED,
    /** The server behind the engine is not reached, or does not answer, or has not the model. */
    UNAVAILABLE
  }

  private final Reason reason;

  public ModelException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  public ModelException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** Why. */
  public Reason reason() {
    return reason;
  }
}
