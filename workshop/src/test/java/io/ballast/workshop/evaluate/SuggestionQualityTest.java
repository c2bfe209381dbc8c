package io.ballast.workshop.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.programmer.ParseCheck;
import io.ballast.workshop.programmer.Position;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Figures are means over positions, and their intervals follow from the spread between them. */
class SuggestionQualityTest {
  private static final String BEFORE = "class A {\n  int x = ";
  private static final Position POSITION =
      new Position(new SourceFile("a-1", "A.java", BEFORE + "one(two);\n}\n"), BEFORE.length());

  @Test
  void fourSamplesOfOnePositionByHand() {
    // accepted (9 characters) · "one(" kept (4) · rejected, parses · rejected, breaks
    List<List<String>> suggestions = List.of(List.of("one(two);", "one(six);", "6;", "("));
    try (ParseCheck check = new ParseCheck()) {
      SuggestionQuality quality = SuggestionQuality.measure(List.of(POSITION), suggestions, check);
      assertThat(quality.exact().mean()).isEqualTo(0.25);
      assertThat(quality.rightBeginning().mean()).isEqualTo(0.5);
      assertThat(quality.charactersSaved().mean()).isEqualTo(9 / 4.0);
      assertThat(quality.charactersKept().mean()).isEqualTo(13 / 4.0);
      assertThat(quality.parseBreaking().mean()).isEqualTo(0.25);
    }
  }

  @Test
  void theIntervalOfAHandComputedSample() {
    // mean 2, variance (1 + 0 + 1) / 2 = 1, half width 1.96 · sqrt(1 / 3)
    Estimate estimate = Estimate.of(new double[] {1, 2, 3});
    assertThat(estimate.mean()).isEqualTo(2);
    assertThat(estimate.halfWidth()).isCloseTo(1.13161, within(1e-5));
    assertThat(estimate.show(1, 2)).isEqualTo("2.00 ± 1.13");
  }

  @Test
  void onePositionHasNoSpreadAndNoneHasNoMean() {
    assertThat(Estimate.of(new double[] {4})).isEqualTo(new Estimate(4, 0));
    assertThatThrownBy(() -> Estimate.of(new double[0])).hasMessageContaining("values: none");
  }
}
