package io.ballast.rl.selection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How gold goes with distance, and how surely that is known. */
class GoldFitsTest {
  private static final double[] DISTANCES = {.5, 1, 1.7, 2.6, 4, 6};

  @Test
  void aHandComputedFit() {
    // columns (1, 2, 3) and (−1, −4, −9); (1, 1, 0) is 1.5·d − .5·d², and (−3, 3, −1) is at right
    // angles to both, so .1 of it is all residual: s² = .19/(3 − 2).
    // (XᵀX)⁻¹ has 98/76 and 14/76; t(.975, 1) = 12.70620; Σ(R − R̄)² = .986667
    GoldFit fit =
        GoldFits.studentT(
            GoldForm.BEST_OF_N,
            List.of(new GoldPoint(1, .7), new GoldPoint(2, 1.3), new GoldPoint(3, -.1)),
            .95);

    assertThat(fit.alpha().estimate()).isCloseTo(1.5, within(1e-12));
    assertThat(fit.beta().estimate()).isCloseTo(.5, within(1e-12));
    assertThat(fit.alpha().high() - 1.5).isCloseTo(6.28925, within(1e-5));
    assertThat(.5 - fit.beta().low()).isCloseTo(2.37711, within(1e-5));
    assertThat(fit.rSquared()).hasValueCloseTo(1 - .19 / .986667, within(1e-6));
    assertThat(fit.interval()).isEqualTo(FitInterval.STUDENT_T);
    assertThat(fit.points()).isEqualTo(3);
    assertThat(fit.farthest()).isEqualTo(3);
    // d* = 1.5/1, R* = 2.25/2, and R is 0 again at 3
    GoldFit.Peak peak = fit.peak().orElseThrow();
    assertThat(peak.distance()).isCloseTo(1.5, within(1e-12));
    assertThat(peak.gold()).isCloseTo(1.125, within(1e-12));
    assertThat(peak.kl()).isCloseTo(2.25, within(1e-12));
    assertThat(peak.observed()).isTrue();
    assertThat(fit.zero()).hasValueCloseTo(3., within(1e-12));
    assertThat(fit.gold(2)).isCloseTo(1, within(1e-12));
  }

  @Test
  void reinforcementLearningAgreesWithNumpy() {
    // numpy.linalg.lstsq on the columns d and −d·ln d, with s²(XᵀX)⁻¹ and t(.975, 4) = 2.776445
    double[] golds = {.3, .36, .47, .52, .60, .50};
    List<GoldPoint> points = new ArrayList<>();
    for (int i = 0; i < golds.length; i++) {
      points.add(new GoldPoint(DISTANCES[i], golds[i]));
    }
    GoldFit fit = GoldFits.studentT(GoldForm.REINFORCEMENT_LEARNING, points, .95);

    assertThat(fit.alpha().estimate()).isCloseTo(.36408576, within(1e-8));
    assertThat(fit.alpha().low()).isCloseTo(.3158639993, within(1e-8));
    assertThat(fit.alpha().high()).isCloseTo(.4123075169, within(1e-8));
    assertThat(fit.beta().estimate()).isCloseTo(.1570311, within(1e-7));
    assertThat(fit.beta().low()).isCloseTo(.1261555726, within(1e-8));
    assertThat(fit.beta().high()).isCloseTo(.1879066239, within(1e-8));
    assertThat(fit.rSquared()).hasValueCloseTo(.9064114290, within(1e-8));
    assertThat(fit.peak().orElseThrow().distance()).isCloseTo(3.738028421, within(1e-8));
    assertThat(fit.peak().orElseThrow().gold()).isCloseTo(.5869867082, within(1e-8));
  }

  @Test
  void thePapersExamples() {
    GoldFit.Peak best = exact(GoldForm.BEST_OF_N, .6, .1).peak().orElseThrow();
    assertThat(best.distance()).isCloseTo(3, within(1e-9));
    assertThat(best.kl()).isCloseTo(9, within(1e-9));
    assertThat(best.gold()).isCloseTo(.9, within(1e-9));

    GoldFit learned = exact(GoldForm.REINFORCEMENT_LEARNING, .35, .146);
    assertThat(learned.peak().orElseThrow().distance()).isCloseTo(4.0441, within(1e-4));
    assertThat(learned.peak().orElseThrow().kl()).isCloseTo(16.355, within(1e-3));
    assertThat(learned.peak().orElseThrow().gold()).isCloseTo(.59044, within(1e-5));
    assertThat(learned.zero()).hasValueCloseTo(10.993, within(1e-3));
    // 10.993 was never seen
    assertThat(learned.peak().orElseThrow().observed()).isTrue();
    assertThat(learned.farthest()).isEqualTo(6);
  }

  @ParameterizedTest
  @EnumSource(GoldForm.class)
  void theFormComesBackAndThePeakIsHighest(GoldForm form) {
    GoldFit fit = exact(form, .7, .2);

    assertThat(fit.alpha().estimate()).isCloseTo(.7, within(1e-10));
    assertThat(fit.beta().estimate()).isCloseTo(.2, within(1e-10));
    assertThat(fit.alpha().high() - fit.alpha().low()).isLessThan(1e-10);
    assertThat(fit.rSquared()).hasValueCloseTo(1., within(1e-12));
    GoldFit.Peak peak = fit.peak().orElseThrow();
    assertThat(fit.gold(peak.distance())).isCloseTo(peak.gold(), within(1e-10));
    assertThat(fit.gold(peak.distance() - .01)).isLessThan(peak.gold());
    assertThat(fit.gold(peak.distance() + .01)).isLessThan(peak.gold());
    assertThat(fit.gold(fit.zero().orElseThrow())).isCloseTo(0, within(1e-8));
    assertThat(fit.gold(0)).isEqualTo(0);
  }

  @Test
  void goldThatNeverFallsHasNoPeakAndOnesBeyondTheDataSaySo() {
    assertThat(exact(GoldForm.BEST_OF_N, .5, -.1).peak()).isEmpty();
    assertThat(exact(GoldForm.BEST_OF_N, .5, -.1).zero()).isEmpty();
    assertThat(exact(GoldForm.BEST_OF_N, -.5, .1).peak()).isEmpty();
    // exp(.9/.001) is no double
    assertThat(exact(GoldForm.REINFORCEMENT_LEARNING, .9, .001).peak()).isEmpty();
    // d* = 10 of distances up to 6
    assertThat(exact(GoldForm.BEST_OF_N, 1, .05).peak().orElseThrow().observed()).isFalse();
  }

  @Test
  void pointsThatSayNothingAreLeftOutAndCounted() {
    List<GoldPoint> points = new ArrayList<>(points(GoldForm.REINFORCEMENT_LEARNING, .4, .1));
    points.addFirst(new GoldPoint(.29, 77));
    points.addFirst(new GoldPoint(0, 77));
    GoldFit fit = GoldFits.studentT(GoldForm.REINFORCEMENT_LEARNING, points, .9);
    assertThat(fit.excluded()).isEqualTo(2);
    assertThat(fit.points()).isEqualTo(6);
    assertThat(fit.alpha().estimate()).isCloseTo(.4, within(1e-10));

    List<GoldPoint> best = new ArrayList<>(points(GoldForm.BEST_OF_N, .4, .1));
    best.add(new GoldPoint(0, 0));
    assertThat(GoldFits.studentT(GoldForm.BEST_OF_N, best, .9).excluded()).isEqualTo(1);
  }

  @Test
  void goldThatIsOneNumberHasNoRSquared() {
    List<GoldPoint> zero = DoubleStream.of(DISTANCES).mapToObj(d -> new GoldPoint(d, 0)).toList();
    GoldFit fit = GoldFits.studentT(GoldForm.BEST_OF_N, zero, .95);
    assertThat(fit.rSquared()).isEmpty();
    assertThat(fit.alpha().estimate()).isEqualTo(0);
    assertThat(fit.peak()).isEmpty();
  }

  @Test
  void whatDeterminesNothingIsRefused() {
    refused(
        "points: 2 of 3 can be fitted (expected: at least 3)",
        new GoldPoint(0, 0),
        new GoldPoint(1, 1),
        new GoldPoint(2, 1));
    refused(
        "points: all at distance 1.5 (expected: at least two different ones)",
        new GoldPoint(1.5, 0),
        new GoldPoint(1.5, 1),
        new GoldPoint(1.5, 2));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new GoldPoint(Double.NaN, 1))
        .withMessageStartingWith("distance: NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new GoldPoint(-1, 1))
        .withMessageStartingWith("distance: -1.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new GoldPoint(1, Double.POSITIVE_INFINITY))
        .withMessageStartingWith("gold: Infinity");
  }

  @Test
  void intervalsCoverTheTruthAsOftenAsTheySay() {
    SplittableRandom random = new SplittableRandom(12);
    int alpha = 0;
    int beta = 0;
    for (int trial = 0; trial < 1_000; trial++) {
      List<GoldPoint> noisy =
          points(GoldForm.BEST_OF_N, .8, .15).stream()
              .map(p -> new GoldPoint(p.distance(), p.gold() + .1 * random.nextGaussian()))
              .toList();
      GoldFit fit = GoldFits.studentT(GoldForm.BEST_OF_N, noisy, .9);
      alpha += fit.alpha().contains(.8) ? 1 : 0;
      beta += fit.beta().contains(.15) ? 1 : 0;
    }
    // 900 ± 4 standard errors of √(1000·.9·.1) = 9.5
    assertThat(alpha).isBetween(862, 938);
    assertThat(beta).isBetween(862, 938);
  }

  @Test
  void theBootstrapOfCurvesSeesWhatPointsOfOneCurveShare() {
    // every seed has an α of its own (±.1): points of one seed lie on a perfect curve, and least
    // squares over all sees far less spread than the seeds have
    SplittableRandom random = new SplittableRandom(13);
    List<List<GoldPoint>> curves = new ArrayList<>();
    for (int seed = 0; seed < 40; seed++) {
      curves.add(points(GoldForm.REINFORCEMENT_LEARNING, .6 + .1 * random.nextGaussian(), .1));
    }
    GoldFit fit =
        GoldFits.bootstrap(GoldForm.REINFORCEMENT_LEARNING, curves, 2_000, .95, random.split());

    assertThat(fit.interval()).isEqualTo(FitInterval.BOOTSTRAP);
    assertThat(fit.points()).isEqualTo(6);
    assertThat(fit.alpha().contains(.6)).isTrue();
    // ±1.96·.1/√40 = .031 to each side
    assertThat(fit.alpha().high() - fit.alpha().low()).isBetween(.045, .080);
    assertThat(fit.beta().estimate()).isCloseTo(.1, within(1e-10));
    assertThat(fit.beta().high() - fit.beta().low()).isLessThan(1e-10);
  }

  @Test
  void curvesAtOtherDistancesAreFittedByAllTheirPoints() {
    GoldFit fit =
        GoldFits.bootstrap(
            GoldForm.BEST_OF_N,
            List.of(
                List.of(new GoldPoint(1, .5), new GoldPoint(2, .8)),
                List.of(new GoldPoint(1.5, .675), new GoldPoint(3, .9))),
            100,
            .95,
            new SplittableRandom(1));
    assertThat(fit.points()).isEqualTo(4);
    assertThat(fit.alpha().estimate()).isCloseTo(.6, within(1e-10));
    assertThat(fit.beta().estimate()).isCloseTo(.1, within(1e-10));
  }

  @Test
  void aSeedGivesOneAnswerAndEachCurveMustStandAlone() {
    List<List<GoldPoint>> curves =
        List.of(points(GoldForm.BEST_OF_N, .5, .1), points(GoldForm.BEST_OF_N, .7, .2));
    assertThat(GoldFits.bootstrap(GoldForm.BEST_OF_N, curves, 200, .9, new SplittableRandom(3)))
        .isEqualTo(
            GoldFits.bootstrap(GoldForm.BEST_OF_N, curves, 200, .9, new SplittableRandom(3)));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                GoldFits.bootstrap(
                    GoldForm.BEST_OF_N,
                    List.of(curves.getFirst(), List.of(new GoldPoint(1, 1))),
                    200,
                    .9,
                    new SplittableRandom(3)))
        .withMessageStartingWith("curves[1]: one distance that can be fitted, or none");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                GoldFits.bootstrap(
                    GoldForm.BEST_OF_N, curves.subList(0, 1), 200, .9, new SplittableRandom(3)))
        .withMessage("curves: 1 (expected: >= 2)");
  }

  private static void refused(String message, GoldPoint... points) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GoldFits.studentT(GoldForm.BEST_OF_N, List.of(points), .95))
        .withMessage(message);
  }

  private static GoldFit exact(GoldForm form, double alpha, double beta) {
    return GoldFits.studentT(form, points(form, alpha, beta), .95);
  }

  private static List<GoldPoint> points(GoldForm form, double alpha, double beta) {
    return DoubleStream.of(DISTANCES)
        .mapToObj(
            d ->
                new GoldPoint(
                    d,
                    switch (form) {
                      case BEST_OF_N -> d * (alpha - beta * d);
                      case REINFORCEMENT_LEARNING -> d * (alpha - beta * Math.log(d));
                    }))
        .toList();
  }
}
