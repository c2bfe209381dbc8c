package io.ballast.standalone.experiment.algorithms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.algorithm.Algorithm;
import io.ballast.standalone.experiment.Claim;
import io.ballast.standalone.experiment.ExperimentReport;
import io.ballast.standalone.experiment.algorithms.LearningCurve.Point;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Places are what the seeds leave open, and no more is claimed than intervals show. */
class StandingTest {
  private static final double START = 5;

  // Student's t of two degrees of freedom, 97.5 %, by the square root of three seeds
  private static final double WIDTH = 4.302653 / Math.sqrt(3);

  private static final Map<Algorithm, double[]> FINALS =
      new EnumMap<>(
          Map.of(
              Algorithm.GRPO, new double[] {5, 6, 7},
              Algorithm.PPO, new double[] {1, 2, 3},
              Algorithm.KTO, new double[] {4.9, 6.2, 6.6}));

  @Test
  void aHandComputedRanking() {
    List<Standing> standings = Standing.of(FINALS, START);

    // GRPO − PPO = 4, 4, 4: surely better. GRPO − KTO = 0.1, −0.2, 0.4: mean 0.1, deviation 0.3,
    // not told apart. KTO − PPO = 3.9, 4.2, 3.6: mean 3.9, deviation 0.3, surely better
    assertThat(standings)
        .extracting(Standing::algorithm)
        .containsExactly(Algorithm.GRPO, Algorithm.KTO, Algorithm.PPO);
    assertThat(standings).extracting(Standing::places).containsExactly("1 to 2", "1 to 2", "3");
    Standing first = standings.getFirst();
    // of 5, 6, 7: mean 6, deviation 1
    assertThat(first.gold().estimate()).isEqualTo(6);
    assertThat(first.gold().low()).isCloseTo(6 - WIDTH, within(1e-5));
    assertThat(first.gain().estimate()).isEqualTo(1);
    assertThat(first.gain().high()).isCloseTo(1 + WIDTH, within(1e-5));
  }

  @Test
  void oneAloneHasTheOnlyPlace() {
    assertThat(Standing.of(Map.of(Algorithm.IPO, new double[] {1, 2}), 0))
        .singleElement()
        .satisfies(standing -> assertThat(standing.places()).isEqualTo("1"));
  }

  @Test
  void whatGainsLessThanItsIntervalIsNotClaimedAndWhatFailedIsNotRanked() {
    AlgorithmsPlan plan =
        AlgorithmsPlan.standard(
            List.of(Algorithm.GRPO, Algorithm.PPO, Algorithm.KTO, Algorithm.ORPO), 3, 12);
    Map<Algorithm, List<LearningCurve>> curves = new EnumMap<>(Algorithm.class);
    FINALS.forEach(
        (algorithm, finals) -> {
          List<LearningCurve> own = new ArrayList<>();
          for (int seed = 0; seed < finals.length; seed++) {
            own.add(
                new LearningCurve(
                    algorithm,
                    seed,
                    List.of(new Point(6, 6_000, 5), new Point(Point.LAST, 12_000, finals[seed])),
                    ""));
          }
          curves.put(algorithm, own);
        });
    List<LearningCurve> others = Objects.requireNonNull(curves.get(Algorithm.KTO));
    curves.put(
        Algorithm.ORPO,
        List.of(LearningCurve.failed(Algorithm.ORPO, 0, "it ended"), others.get(1), others.get(2)));

    ExperimentReport report = AlgorithmsReport.of(plan, START, curves);

    // PPO: 1, 2, 3 less 5; GRPO: 5, 6, 7 less 5 has zero in its interval
    assertThat(report.claims())
        .extracting(Claim::verdict)
        .containsExactly(Claim.Verdict.CONTRADICTED, Claim.Verdict.NOT_SHOWN);
    assertThat(report.sections().getFirst().text())
        .contains("| 1 to 2 | GRPO | 6.000 (")
        .contains("| 3 | PPO |")
        .doesNotContain("ORPO");
    assertThat(report.sections().get(1).text()).contains("- ORPO, seed 0: it ended");
    String svg = report.charts().getFirst().svg().toString();
    assertThat(svg).contains("1 to 2: GRPO").contains("3: PPO").doesNotContain("NaN");
    assertThat(svg.split("<polygon", -1)).as("an interval for each").hasSize(1 + 3);
  }
}
