package io.ballast.reward.component;

/** What is wrong with a composite's file; the message begins with the JSON path. */
public final class CompositeFlaw extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /**
   * @param path where, such as {@code $.components.answer.pattern}
   */
  public CompositeFlaw(String path, String flaw) {
    super(path + ": " + flaw);
  }
}
