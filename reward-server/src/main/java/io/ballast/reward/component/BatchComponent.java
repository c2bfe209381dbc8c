package io.ballast.reward.component;

import io.ballast.reward.core.ComponentOutcome;
import io.ballast.reward.core.ComponentScore.Voices;
import java.util.List;
import java.util.Optional;

/** A component that judges all completions of a request at once. */
public non-sealed interface BatchComponent extends Component {
  /**
   * Judges completions.
   *
   * @return one for each, in their order
   * @throws io.ballast.kit.error.MeshException if no item of the request can be judged
   */
  List<Judged> judge(List<Candidate> candidates, Judging judging);

  /**
   * What became of one.
   *
   * @param voices of a learned component
   */
  record Judged(ComponentOutcome outcome, Optional<Voices> voices) {
    /** Without voices. */
    public static Judged of(ComponentOutcome outcome) {
      return new Judged(outcome, Optional.empty());
    }
  }
}
