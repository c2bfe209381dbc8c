package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.rollout.JudgedGroup;
import java.util.List;
import java.util.Optional;

/** Keeps what updates could not be made of, for a person to look at. */
public interface SkippedSamples {
  /**
   * Keeps {@code groups}, and of {@code run} the newest few such. A disk that fails costs no run.
   *
   * @param why the update was skipped
   * @return the name by which whoever runs the server finds them, without a path of the machine;
   *     empty if they could not be kept
   */
  Optional<String> keep(Run run, int iteration, String why, List<JudgedGroup> groups);
}
