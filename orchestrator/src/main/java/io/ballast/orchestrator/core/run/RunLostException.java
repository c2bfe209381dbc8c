package io.ballast.orchestrator.core.run;

/** A worker may no longer write its run: it was cancelled, or another process took it up. */
final class RunLostException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  RunLostException(String runId, RunState state) {
    super("run %s is no longer this worker's: it is %s".formatted(runId, state));
  }
}
