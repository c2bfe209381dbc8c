package io.ballast.standalone.experiment.gate;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.rl.bound.Interval;
import io.ballast.rl.gate.GateCounts;
import io.ballast.standalone.experiment.Claim;
import io.ballast.standalone.experiment.Rule;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Splits in which no lines were found keep no promise, and say nothing of it. */
class LineTransferTest {
  @Test
  void onlySplitsWithLinesCount() {
    GateCounts keeps = new GateCounts(100, 20, 2, 0, 100);
    GateCounts breaks = new GateCounts(100, 20, 6, 0, 100);
    List<Optional<GateCounts>> tested = new ArrayList<>(Collections.nCopies(57, Optional.empty()));
    tested.addAll(Collections.nCopies(3, Optional.of(breaks)));
    LineTransfer.Outcome outcome =
        new LineTransfer.Outcome(.8, Collections.nCopies(60, keeps), tested, 0, 14);

    assertThat(outcome.found()).hasSize(3);
    assertThat(outcome.broken(outcome.found())).isEqualTo(1);
    assertThat(outcome.broken(outcome.seen())).isZero();
    assertThat(outcome.broken(List.of())).isNaN();
  }

  @Test
  void splitsThatOverlapSayNoMoreThanOne() {
    for (double share : new double[] {0, .05, .5, .6, 1}) {
      Interval interval = GateExperiment.ofOverlapping(share);
      assertThat(Claim.of("a share", "overlapping splits", interval, Rule.below(.2)).verdict())
          .isEqualTo(Claim.Verdict.NOT_SHOWN);
    }
  }
}
