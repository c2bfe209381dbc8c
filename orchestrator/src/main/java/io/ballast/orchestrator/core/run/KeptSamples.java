package io.ballast.orchestrator.core.run;

import java.util.List;

/** What {@link SkippedSamples} kept on this machine, of runs of before too. */
public interface KeptSamples {
  /** A run of which there is something. */
  record OfRun(String tenant, String runId) {}

  /** All of them, whatever became of them. */
  List<OfRun> runs();

  /**
   * Deletes what there is of {@code run}.
   *
   * @return whether it was there and is gone; a disk that fails is no failure
   */
  boolean delete(OfRun run);
}
