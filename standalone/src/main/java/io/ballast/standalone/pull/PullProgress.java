package io.ballast.standalone.pull;

/** Is told how far a pull has come. */
@FunctionalInterface
public interface PullProgress {
  /**
   * Takes note.
   *
   * @param what is under way, such as a file's name
   * @param part of it that is done, 0 to 1
   */
  void at(String what, double part);
}
