package io.ballast.policy.core.feedback;

import io.ballast.kit.call.Caller;
import java.util.List;

/** Takes a recorded decision once more. */
@FunctionalInterface
public interface DecisionReplay {
  /**
   * Asks the gate what it was asked then, by the versions that answered.
   *
   * @param suggestion the suggestion as it was recorded
   * @throws io.ballast.kit.error.MeshException PRECONDITION_FAILED if no gate answered then, or one
   *     of those versions is no longer there; DEPENDENCY_DOWN if the gate does not answer
   */
  List<ReplayedStage> replay(Caller caller, Payload suggestion);

  /**
   * One stage, then and now.
   *
   * @param stage 1 or 2
   * @param recorded what it said then
   * @param replayed what it says now
   */
  record ReplayedStage(int stage, Payload recorded, Payload replayed, List<ReplayedField> fields) {
    public ReplayedStage {
      fields = List.copyOf(fields);
    }
  }

  /** One field, then and now, for a person. */
  record ReplayedField(String name, String recorded, String replayed, boolean identical) {}
}
