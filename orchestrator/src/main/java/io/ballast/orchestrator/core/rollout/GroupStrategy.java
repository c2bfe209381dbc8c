package io.ballast.orchestrator.core.rollout;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.List;
import java.util.Optional;

/** What becomes of a group of which some completions could not be sampled or judged. */
public sealed interface GroupStrategy {
  /** The first failure ends the iteration. */
  record FailFast() implements GroupStrategy {}

  /**
   * The group goes on with the completions that were judged if there are enough of them, and is
   * dropped otherwise: the mean of few rewards is a noisy baseline.
   *
   * @param floor the least completions of the policy's, ≥ 1
   */
  record MinViableGroup(int floor) implements GroupStrategy {}

  /**
   * Returns what is learned from of a group.
   *
   * @param group its completions that have a reward
   * @param failures why others have none, one for each
   * @return empty: the group is dropped
   * @throws MeshException DEPENDENCY_BROKEN with {@link FailFast} and a failure
   */
  default Optional<JudgedGroup> viable(JudgedGroup group, List<String> failures) {
    return switch (this) {
      case FailFast() -> {
        if (!failures.isEmpty()) {
          throw new MeshException(
              Fault.DEPENDENCY_BROKEN,
              "a completion could not be judged, and the spec says FAIL_FAST: "
                  + failures.getFirst());
        }
        yield Optional.of(group);
      }
      case MinViableGroup(int floor) ->
          group.completions().size() >= floor ? Optional.of(group) : Optional.empty();
    };
  }
}
