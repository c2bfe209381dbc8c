package io.ballast.loadtest.run;

/** The mesh did not answer the calls that come before a load, so that none was sent. */
public final class RefusedLoadException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final boolean unreachable;

  RefusedLoadException(String message, boolean unreachable) {
    super(message);
    this.unreachable = unreachable;
  }

  /** Whether nothing answers there at all. */
  public boolean unreachable() {
    return unreachable;
  }
}
