package io.ballast.orchestrator.core.spec;

/** What follows when the watch over a run's rewards raises an alarm. */
public enum WatchAction {
  /** It is recorded, logged and counted; the run goes on as if nothing were wrong. */
  RECORD,
  /** Learning ends, and goes back to the last weights that were measured within all limits. */
  STOP,
  /** The run goes on, but its candidate waits for a person who accepts the alarm. */
  REFUSE_PROMOTION
}
