package io.ballast.orchestrator.core.run;

/** What became of the updates of an iteration. */
public enum UpdateOutcome {
  /** Of an iteration of before this was kept. */
  UNRECORDED,
  /** They were taken. */
  UPDATED,
  /** Nothing that was sampled had a signal: all rewards of each group equal, or all masked. */
  NO_SIGNAL,
  /** A loss or gradient was not finite: the weights are as they were. */
  NOT_FINITE;

  /** Whether the weights are as they were. */
  public boolean skipped() {
    return this == NO_SIGNAL || this == NOT_FINITE;
  }
}
