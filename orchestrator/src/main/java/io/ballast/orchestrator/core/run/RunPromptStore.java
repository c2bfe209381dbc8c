package io.ballast.orchestrator.core.run;

import java.time.Duration;
import java.time.Instant;

/** Where the prompts of runs are deleted. */
public interface RunPromptStore {
  /**
   * Deletes the prompts of the runs that ended the longest ago, of all tenants, with the proof, in
   * one transaction. Runs that another orchestrator is about to do this to are left to it.
   *
   * @param now what is deleted is on record as deleted then
   * @param retention of runs that ended longer ago than this before {@code now}
   * @param limit the most runs
   * @return of how many runs
   */
  int deletePrompts(Instant now, Duration retention, int limit);
}
