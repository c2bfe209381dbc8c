package io.ballast.rl.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.Binomials;
import io.ballast.rl.stats.Logistic;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Calibrated probabilities hardly ever alarm, whatever users are like; others soon do. */
class CalibrationDriftTest {
  @Test
  void twoUsersByHand() {
    // residuals .8 and −.4, leaning .8·.6 and −.4·.2; the bet upwards on the first wins 1 + 3.75·.8
    // =
    // 4, the second loses: 2·2/4
    CalibrationDrift drift =
        CalibrationDrift.of(new double[] {.2, .4}, new boolean[] {true, false}, List.of("a", "b"));
    assertThat(drift.inTheLarge()).isCloseTo(.2, within(1e-12));
    assertThat(drift.spiegelhalter()).isCloseTo(.2, within(1e-12));
    assertThat(drift.predicted()).isCloseTo(.3, within(1e-12));
    assertThat(drift.observed()).isEqualTo(.5);
    assertThat(drift.error()).isCloseTo(.6, within(1e-12));
    assertThat(drift.rows()).isEqualTo(2);
    assertThat(drift.users()).isEqualTo(2);
    assertThat(drift.chance()).isEqualTo(1);
  }

  @Test
  void chanceByHand() {
    // both stakes are at most .75/.25 = 3: (1 + 3·.75)² = 3.25², twice two tests
    CalibrationDrift drift =
        CalibrationDrift.of(new double[] {.25, .25}, new boolean[] {true, true}, List.of(1, 2));
    assertThat(drift.chance()).isCloseTo(4 / (3.25 * 3.25), within(1e-12));
    assertThat(drift.leastChance()).isEqualTo(drift.chance());
    assertThat(drift.drifted(.4)).isTrue();
    assertThat(drift.tooFewUsers(.4)).isFalse();
    assertThat(drift.drifted(.05)).isFalse();
    assertThat(drift.tooFewUsers(.05)).isTrue();
  }

  /**
   * Of 200 users every fifth takes 40 % of 40 suggestions, the others 25 % of 4; what is said is
   * right of all suggestions together, as calibration makes it.
   */
  @Test
  void busyUsersWhoAcceptMoreAreNoDrift() {
    assertThat(alarms(SIZES_40_AND_4)).isLessThanOrEqualTo(Binomials.most(400, .05 / 20));
    // the mean over users, each counting alike, is far from what is said
    assertThat((.2 * .4 + .8 * .25) - SIZES_40_AND_4.said).isLessThan(-.07);
  }

  @Test
  void ofUpToTwentyRowsEachCounts() {
    assertThat(alarms(new Sizes(20, 2))).isLessThanOrEqualTo(Binomials.most(400, .05 / 20));
  }

  private static final Sizes SIZES_40_AND_4 = new Sizes(40, 4);

  /** How many suggestions busy users had, and others. */
  private record Sizes(int busy, int other, double said) {
    Sizes(int busy, int other) {
      this(busy, other, (.2 * busy * .4 + .8 * other * .25) / (.2 * busy + .8 * other));
    }
  }

  private static int alarms(Sizes sizes) {
    SplittableRandom random = new SplittableRandom(12);
    int alarms = 0;
    for (int trial = 0; trial < 400; trial++) {
      List<Integer> users = new ArrayList<>();
      List<Boolean> came = new ArrayList<>();
      for (int user = 0; user < 200; user++) {
        boolean busy = random.nextInt(5) == 0;
        for (int i = 0; i < (busy ? sizes.busy : sizes.other); i++) {
          users.add(user);
          came.add(random.nextDouble() < (busy ? .4 : .25));
        }
      }
      alarms += alarms(sizes.said, came, users) ? 1 : 0;
    }
    return alarms;
  }

  private static boolean alarms(double said, List<Boolean> came, List<Integer> users) {
    double[] probabilities = new double[came.size()];
    Arrays.fill(probabilities, said);
    boolean[] happened = new boolean[came.size()];
    for (int i = 0; i < happened.length; i++) {
      happened[i] = came.get(i);
    }
    return CalibrationDrift.of(probabilities, happened, users).drifted(.05 / 20);
  }

  @Test
  void usersWhoLeaveAfterARejectionAreNoDrift() {
    SplittableRandom random = new SplittableRandom(13);
    int alarms = 0;
    for (int trial = 0; trial < 400; trial++) {
      List<Integer> users = new ArrayList<>();
      List<Boolean> came = new ArrayList<>();
      for (int user = 0; user < 100; user++) {
        boolean accepts = true;
        while (accepts) {
          accepts = random.nextBoolean();
          users.add(user);
          came.add(accepts);
        }
      }
      alarms += alarms(.5, came, users) ? 1 : 0;
    }
    assertThat(alarms).isLessThanOrEqualTo(Binomials.most(400, .05 / 20));
  }

  @Test
  void theOrderOfUsersIsNotThatOfTheRows() {
    SplittableRandom random = new SplittableRandom(14);
    List<Integer> users = new ArrayList<>(each(120));
    double[] probabilities = new double[120];
    Arrays.fill(probabilities, .3);
    boolean[] happened = new boolean[120];
    for (int user = 0; user < 120; user++) {
      happened[user] = random.nextDouble() < .3;
    }
    // all who accepted first, as whoever sorts a file may have it
    List<Integer> sorted = new ArrayList<>(users);
    sorted.sort(Comparator.comparing(user -> !happened[user]));
    boolean[] first = new boolean[120];
    for (int i = 0; i < 120; i++) {
      first[i] = happened[sorted.get(i)];
    }
    double chance = CalibrationDrift.of(probabilities, happened, users).chance();
    assertThat(CalibrationDrift.of(probabilities, first, sorted).chance()).isEqualTo(chance);
    assertThat(chance).isGreaterThan(.05);
  }

  @Test
  void chanceIsNeverBelowTheLeast() {
    SplittableRandom random = new SplittableRandom(15);
    for (int users : new int[] {12, 20, 30}) {
      for (double p : new double[] {.05, .2, .5}) {
        double[] probabilities = new double[users];
        Arrays.fill(probabilities, p);
        for (int trial = 0; trial < 200; trial++) {
          boolean[] happened = new boolean[users];
          double share = trial == 0 ? 1 : random.nextDouble();
          for (int i = 0; i < users; i++) {
            happened[i] = random.nextDouble() < share;
          }
          CalibrationDrift drift = CalibrationDrift.of(probabilities, happened, each(users));
          assertThat(drift.chance()).isGreaterThanOrEqualTo(drift.leastChance() * (1 - 1e-9));
        }
      }
    }
  }

  @Test
  void aUserCountsOnceHoweverManyRows() {
    double[] probabilities = new double[300];
    Arrays.fill(probabilities, .25);
    boolean[] happened = new boolean[300];
    Arrays.fill(happened, true);
    List<Integer> users = IntStream.range(0, 300).mapToObj(i -> i % 2).toList();
    CalibrationDrift drift = CalibrationDrift.of(probabilities, happened, users);
    assertThat(drift.users()).isEqualTo(2);
    assertThat(drift.chance()).isCloseTo(4 / (3.25 * 3.25), within(1e-9));
  }

  @Test
  void certaintiesThatCameTrueSayNothingAndOneThatDidNotSaysAll() {
    CalibrationDrift kept =
        CalibrationDrift.of(
            new double[] {1, 0, .5}, new boolean[] {true, false, true}, List.of(1, 2, 3));
    assertThat(kept.inTheLarge()).isCloseTo(.5 / 3, within(1e-12));
    assertThat(kept.drifted(.5)).isFalse();
    CalibrationDrift broken =
        CalibrationDrift.of(new double[] {1, .5}, new boolean[] {false, true}, List.of(1, 2));
    assertThat(broken.chance()).isEqualTo(0);
    assertThat(broken.drifted(1e-9)).isTrue();
  }

  @Test
  void rareAcceptanceAlarmsNoMoreOften() {
    SplittableRandom random = new SplittableRandom(3);
    int alarms = 0;
    for (int trial = 0; trial < 2_000; trial++) {
      double[] probabilities = new double[40];
      boolean[] happened = new boolean[40];
      for (int i = 0; i < 40; i++) {
        probabilities[i] = .003;
        happened[i] = random.nextDouble() < .003;
      }
      alarms += CalibrationDrift.of(probabilities, happened, each(40)).drifted(.02) ? 1 : 0;
    }
    assertThat(alarms).isLessThanOrEqualTo(Binomials.most(2_000, .02));
  }

  @Test
  void usersWhoDifferAlarmWithProbabilityAtMostAlphaInAllWeeksTogether() {
    // 20 weeks, each with its part of α = .05; users differ by 0.5 in the log-odds, and by 2
    for (double spread : new double[] {.5, 2}) {
      for (int users : new int[] {5, 60}) {
        SplittableRandom random = new SplittableRandom(users);
        int alarms = 0;
        int byIndependentRows = 0;
        for (int trial = 0; trial < 200; trial++) {
          boolean any = false;
          boolean anyByRows = false;
          for (int week = 0; week < 20; week++) {
            Week drawn = Week.draw(random, users, users == 5 ? 200 : 20, spread, 1);
            any |= drawn.measured().drifted(.05 / 20);
            anyByRows |= drawn.alarmsByIndependentRows(.05 / 20);
          }
          alarms += any ? 1 : 0;
          byIndependentRows += anyByRows ? 1 : 0;
        }
        assertThat(alarms)
            .as("%s users, %s", users, spread)
            .isLessThanOrEqualTo(Binomials.most(200, .05));
        assertThat(byIndependentRows)
            .as("rows taken as independent, %s users, %s", users, spread)
            .isGreaterThan(Binomials.most(200, .05));
      }
    }
  }

  @Test
  void usersWhoDifferAlarmOnceTheyAcceptHalfAsMuch() {
    SplittableRandom random = new SplittableRandom(8);
    int alarms = 0;
    for (int trial = 0; trial < 100; trial++) {
      alarms += Week.draw(random, 100, 20, .5, .5).measured().drifted(.05 / 20) ? 1 : 0;
    }
    assertThat(alarms).isGreaterThan(90);
    assertThat(Week.draw(random, 4, 500, .5, .5).measured().tooFewUsers(.05 / 20)).isTrue();
  }

  /** What users who differ did, while the probabilities are right of all of them together. */
  private record Week(double[] probabilities, boolean[] happened, List<Integer> users) {
    static Week draw(
        SplittableRandom random, int users, int each, double spread, double acceptsTimes) {
      double[] probabilities = new double[users * each];
      boolean[] happened = new boolean[users * each];
      List<Integer> whose = new ArrayList<>();
      for (int user = 0; user < users; user++) {
        // an effect of ± the spread: the mean over users of what they do is what is said
        double effect = random.nextBoolean() ? spread : -spread;
        for (int i = 0; i < each; i++) {
          double place = -.5 + random.nextGaussian();
          double said = (Logistic.sigmoid(place + spread) + Logistic.sigmoid(place - spread)) / 2;
          probabilities[whose.size()] = said;
          happened[whose.size()] =
              random.nextDouble() < acceptsTimes * Logistic.sigmoid(place + effect);
          whose.add(user);
        }
      }
      return new Week(probabilities, happened, whose);
    }

    CalibrationDrift measured() {
      return CalibrationDrift.of(probabilities, happened, users);
    }

    /** Bernstein's inequality for the sum of all residuals, as if they were independent. */
    boolean alarmsByIndependentRows(double alpha) {
      double sum = 0;
      double variance = 0;
      for (int i = 0; i < probabilities.length; i++) {
        sum += (happened[i] ? 1 : 0) - probabilities[i];
        variance += probabilities[i] * (1 - probabilities[i]);
      }
      double size = Math.abs(sum);
      return 2 * Math.exp(-size * size / (2 * (variance + size / 3))) <= alpha;
    }
  }

  @Test
  void evenOddsSayNothingOfBoldness() {
    CalibrationDrift drift =
        CalibrationDrift.of(new double[] {.5, .5}, new boolean[] {true, true}, each(2));
    assertThat(drift.spiegelhalter()).isEqualTo(0);
    assertThat(drift.inTheLarge()).isCloseTo(.5, within(1e-12));
  }

  @Test
  void calibratedOnesAlarmWithProbabilityAtMostAlphaHoweverFewTheyAre() {
    for (int rows : new int[] {30, 300}) {
      SplittableRandom random = new SplittableRandom(rows);
      int alarms = 0;
      double error = 0;
      for (int trial = 0; trial < 1_000; trial++) {
        CalibrationDrift drift = measured(random, rows, p -> p);
        alarms += drift.drifted(.05) ? 1 : 0;
        error += drift.error() / 1_000;
      }
      assertThat(alarms).isLessThanOrEqualTo(Binomials.most(1_000, .05));
      assertThat(error).as("of %s rows, no drift", rows).isGreaterThan(rows == 30 ? .1 : .03);
    }
  }

  @Test
  void acceptanceThatFellIsSeenInTheLarge() {
    SplittableRandom random = new SplittableRandom(1);
    CalibrationDrift drift = measured(random, 400, p -> p * .6);
    assertThat(drift.inTheLarge()).isLessThan(-.1);
    assertThat(drift.drifted(.001)).isTrue();
    assertThat(drift.observed()).isLessThan(drift.predicted());
  }

  @Test
  void probabilitiesThatAreTooBoldAreSeenWhereTheirMeanIsRight() {
    SplittableRandom random = new SplittableRandom(2);
    CalibrationDrift drift = measured(random, 900, p -> .5 + (p - .5) * .3);
    assertThat(Math.abs(drift.inTheLarge())).isLessThan(.05);
    assertThat(drift.spiegelhalter()).isGreaterThan(.1);
    assertThat(drift.drifted(.001)).isTrue();
  }

  private static CalibrationDrift measured(
      SplittableRandom random, int rows, DoubleUnaryOperator truth) {
    double[] probabilities = new double[rows];
    boolean[] happened = new boolean[rows];
    for (int i = 0; i < rows; i++) {
      probabilities[i] = .02 + .96 * random.nextDouble();
      happened[i] = random.nextDouble() < truth.applyAsDouble(probabilities[i]);
    }
    return CalibrationDrift.of(probabilities, happened, each(rows));
  }

  /** A user for each row. */
  private static List<Integer> each(int rows) {
    return IntStream.range(0, rows).boxed().toList();
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> CalibrationDrift.of(new double[] {.5, 1.5}, new boolean[] {true, true}, each(2)))
        .withMessage("probabilities[1]: 1.5 (expected: 0.0 to 1.0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CalibrationDrift.of(new double[] {.5}, new boolean[] {}, each(1)))
        .withMessage("happened: 0 elements (expected: 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CalibrationDrift.of(new double[] {.5}, new boolean[] {true}, each(2)))
        .withMessage("users: 2 elements (expected: 1)");
  }
}
