package io.ballast.inference.brought;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

/** One number of a classifier's outputs. */
class ScoreReadingTest {
  private static final List<String> NAMES = List.of("bad", "fair", "good");
  private static final float[] OUTPUTS = {
    (float) Math.log(1), (float) Math.log(2), (float) Math.log(5)
  };

  private static double read(ScoreReading reading, float... outputs) {
    return reading.reader(NAMES, outputs.length).read(outputs);
  }

  @Test
  void anOutputByIndexOrName() {
    assertThat(read(new ScoreReading.Logit(LabelReference.of("1")), 7, 8, 9)).isEqualTo(8);
    assertThat(read(new ScoreReading.Logit(LabelReference.of("good")), 7, 8, 9)).isEqualTo(9);
  }

  @Test
  void oddsOfALabelAgainstTheOthers() {
    // p = (1, 2, 5)/8: the odds of good are 5 to 3, of bad 1 to 7
    assertThat(read(new ScoreReading.LogOdds(LabelReference.of("good")), OUTPUTS))
        .isCloseTo(Math.log(5.0 / 3), within(1e-6));
    assertThat(read(new ScoreReading.LogOdds(LabelReference.of("bad")), OUTPUTS))
        .isCloseTo(Math.log(1.0 / 7), within(1e-6));
    // of two labels it is their difference
    assertThat(read(new ScoreReading.LogOdds(LabelReference.of("1")), 2, 5))
        .isCloseTo(3, within(1e-12));
  }

  @Test
  void oddsKeepWhatAProbabilityRoundsAway() {
    assertThat(read(new ScoreReading.LogOdds(LabelReference.of("0")), 500, -500, -600))
        .isCloseTo(1000, within(1e-9));
  }

  @Test
  void theRatingThatIsExpected() {
    // (1·1 + 2·2 + 5·5)/8 = 30/8
    assertThat(read(new ScoreReading.ExpectedRating(List.of(1.0, 2.0, 5.0)), OUTPUTS))
        .isCloseTo(3.75, within(1e-6));
    // equal outputs: the mean of the ratings, whatever is added to all
    assertThat(read(new ScoreReading.ExpectedRating(List.of(1.0, 2.0, 6.0)), 900, 900, 900))
        .isCloseTo(3, within(1e-12));
  }

  @Test
  void whatTheModelHasNotIsNamed() {
    refused(
        new ScoreReading.Logit(LabelReference.of("3")),
        3,
        "label: 3 (expected: 0 to 2, or one of [bad, fair, good])");
    refused(
        new ScoreReading.Logit(LabelReference.of("best")),
        3,
        "label: \"best\" (expected: 0 to 2, or one of");
    refused(
        new ScoreReading.LogOdds(LabelReference.of("0")),
        1,
        "kind: log_odds of a model with 1 output");
    refused(
        new ScoreReading.ExpectedRating(List.of(1.0, 2.0)),
        3,
        "ratings: 2 (expected: one for each of the model's 3 labels)");
  }

  private static void refused(ScoreReading reading, int count, String message) {
    assertThatThrownBy(() -> reading.reader(NAMES, count))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(message);
  }
}
