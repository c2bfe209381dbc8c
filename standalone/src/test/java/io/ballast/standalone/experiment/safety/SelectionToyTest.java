package io.ballast.standalone.experiment.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.standalone.experiment.safety.SelectionToy.Cell;
import io.ballast.standalone.experiment.safety.SelectionToy.Rule;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The toy says what another implementation of it said. */
class SelectionToyTest {
  private static final int TRIALS = 1_000;

  @Test
  void agreesWithAnotherImplementation() {
    List<Cell> cells = SelectionToy.cells(50, List.of(100), TRIALS, 5);
    assertThat(cells).extracting(Cell::rule).containsExactly(Rule.values());
    // .642, .852 and .537, of 2,000 trials: shares differ by at most .05 in 99 of 100 pairs of runs
    Cell naive = cells.get(0);
    assertThat((double) naive.unsafeChosen() / TRIALS).isCloseTo(.642, within(.05));
    assertThat((double) naive.noSolution() / TRIALS).isCloseTo(.852, within(.04));
    assertThat(naive.reward()).isCloseTo(.537, within(.03));
    Cell hc = cells.get(2);
    assertThat((double) hc.unsafeChosen() / TRIALS).isCloseTo(.027, within(.02));
    assertThat((double) hc.noSolution() / TRIALS).isCloseTo(.206, within(.04));
    assertThat(hc.reward()).isCloseTo(.317, within(.03));
  }

  @Test
  void theSameSeedSaysTheSame() {
    assertThat(SelectionToy.cells(10, List.of(10, 20), 20, 7))
        .isEqualTo(SelectionToy.cells(10, List.of(10, 20), 20, 7))
        .hasSize(6)
        .isNotEqualTo(SelectionToy.cells(10, List.of(10, 20), 20, 8));
  }
}
