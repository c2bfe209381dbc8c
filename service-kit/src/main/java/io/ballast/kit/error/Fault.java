package io.ballast.kit.error;

/**
 * What went wrong, by what the caller can do about it. {@code StatusMapper} gives each its gRPC
 * code.
 */
public enum Fault {
  /** The request is wrong in itself: the caller mends it. */
  MALFORMED_REQUEST,
  /** No such model, version or alias. */
  UNKNOWN_MODEL,
  /** No such run, suggestion, session, test, certificate, or it is another tenant's. */
  UNKNOWN_RESOURCE,
  /** Something of this name is there already, and it is different. */
  ALREADY_EXISTS,
  /** What the caller had read has moved on: re-read, redo. */
  VERSION_CONFLICT,
  /** Who calls is not known: nothing is shown, or nothing that proves it. */
  UNAUTHENTICATED,
  /** The caller may not do this: it lacks the right. */
  FORBIDDEN,
  /** The safety gate holds: no certificate, or not for these weights. */
  SAFETY_GATE_CLOSED,
  /** The thing is not in a state in which this can be done. */
  PRECONDITION_FAILED,
  /** A limit is reached: slow down. */
  OVERLOADED,
  /** The time that the request itself allowed is over. */
  TIMED_OUT,
  /** Weights are loading: soon. */
  MODEL_LOADING,
  /** A peer or the database is down, or its breaker is open. */
  DEPENDENCY_DOWN,
  /** A peer called our request malformed, or a model gave a number that is not finite: a bug. */
  DEPENDENCY_BROKEN,
  /** A checksum of weights differs. */
  CORRUPT_WEIGHTS,
  /** Not built yet, or not what the engine behind this version can do. */
  NOT_IMPLEMENTED
}
