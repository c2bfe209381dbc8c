package io.ballast.kit.shadow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.kit.shadow.ShadowFigures.Compared;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is told of a candidate beside what serves. */
class ShadowFiguresTest {
  private final ShadowFigures figures = new ShadowFigures();

  @Test
  void differencesByHand() {
    figures.add(List.of(new Compared("p", 1, 2), new Compared("q", 5, 8)));
    figures.add(List.of(new Compared("r", 0, -1)));

    // 1, 3, −1: mean 1, squared deviations 0 + 4 + 4, √(8 / 2) = 2
    assertThat(figures.seen().items()).isEqualTo(3);
    assertThat(figures.seen().meanDifference()).isCloseTo(1, within(1e-12));
    assertThat(figures.seen().deviation()).isCloseTo(2, within(1e-12));
  }

  @Test
  void orderIsComparedWithinPromptsAndAmongAll() {
    figures.add(
        List.of(new Compared("p", 1, 10), new Compared("p", 2, 20), new Compared("q", 3, 0)));

    assertThat(figures.seen().agreementWithinPrompts()).isEqualTo(1);
    assertThat(figures.seen().agreementOfAny()).as("of 3 pairs").isCloseTo(1 / 3., within(1e-12));
  }

  @Test
  void itemsThatTheCandidateDoesNotTellApartAreHalfAnAgreement() {
    figures.add(List.of(new Compared("p", 1, 5), new Compared("p", 2, 5)));

    assertThat(figures.seen().agreementWithinPrompts()).isEqualTo(0.5);
  }

  @Test
  void ofItemsThatAreEqualForWhatServesNothingIsSaid() {
    figures.add(List.of(new Compared("p", 1, 5), new Compared("p", 1, 6)));

    assertThat(figures.seen().agreementWithinPrompts()).isNaN();
    assertThat(figures.seen().agreementOfAny()).isNaN();
  }

  @Test
  void beforeTheFirstItemThereIsNoNumber() {
    assertThat(figures.seen().meanDifference()).isNaN();
    assertThat(figures.seen().deviation()).isNaN();
  }
}
