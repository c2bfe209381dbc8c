package io.ballast.loadtest.run;

/** What sends a load: this process, or several. It is ready when it is there. */
public interface LoadGenerator extends AutoCloseable {
  /** Calls a second that it manages on this machine. */
  double ceiling();

  /**
   * Sends the load, and looks for the feedback that was acknowledged if the scenario says so. Once.
   */
  LoadPart send();

  @Override
  void close();
}
