package io.ballast.standalone.demo.mesh;

/** A run ended without an answer about its candidate. */
public final class RunEndedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  RunEndedException(String message) {
    super(message);
  }
}
