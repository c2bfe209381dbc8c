package io.ballast.safety.core.gatefit;

/** Decisions that say too little to make a gate of, or to judge one by. */
public final class UnusableLogException extends Exception {
  private static final long serialVersionUID = 1;

  /**
   * @param message what there is and what was expected
   */
  public UnusableLogException(String message) {
    super(message);
  }
}
