package io.ballast.orchestrator.core.run;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Predicate;

/** Where it is known how long ago runs ended, and their prompts are deleted. */
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

  /**
   * Has what is kept elsewhere of runs that ended deleted, once the proof that it is to go is
   * committed. What could not be deleted is deleted the next time, with a proof of its own.
   *
   * @param kept of which runs there is something; those that the store does not know keep it
   * @param delete deletes that of one run; returns whether it is gone
   * @param retention of runs that ended longer ago than this before {@code now}
   * @return of how many runs it is gone
   */
  int deleteSamples(
      List<KeptSamples.OfRun> kept,
      Predicate<KeptSamples.OfRun> delete,
      Instant now,
      Duration retention);
}
