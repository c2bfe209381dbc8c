package io.ballast.standalone.experiment.algorithms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.bound.Interval;
import io.ballast.standalone.experiment.Claim;
import io.ballast.standalone.experiment.ExperimentReport;
import io.ballast.standalone.experiment.algorithms.LearningCurve.Point;
import io.ballast.standalone.experiment.algorithms.LearningCurve.Spent;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** Places are what the seeds leave open, and no more is claimed than intervals show. */
class StandingTest {
  // draws of the start differ from seed to seed: 4, 5, 6
  private static final Start START =
      new Start(List.of(gold(4), gold(5), gold(6)), List.of("A", "A", "B"));

  // Student's t of two degrees of freedom, 97.5 %, by the square root of three seeds
  private static final double WIDTH = 4.302653 / Math.sqrt(3);

  private static final Map<Algorithm, List<Gold>> FINALS =
      new EnumMap<>(
          Map.of(
              Algorithm.GRPO, List.of(gold(5), gold(6), gold(7)),
              Algorithm.PPO, List.of(gold(1), gold(2), gold(3)),
              Algorithm.KTO, List.of(gold(4.9), gold(6.2), gold(6.6))));

  /** At three positions, the mean in the middle. */
  private static Gold gold(double mean) {
    return new Gold(List.of(mean - 1, mean, mean + 1));
  }

  private static LearningCurve curve(Algorithm algorithm, int seed, Gold gold, Spent spent) {
    return new LearningCurve(
        algorithm,
        seed,
        List.of(new Point(6, 6_000, 5), new Point(Point.LAST, spent.tokens(), gold.mean())),
        gold,
        spent,
        "");
  }

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
    // 5 − 4, 6 − 5, 7 − 6: as the seeds are paired, the start's draws leave no error
    assertThat(first.gain().estimate()).isEqualTo(1);
    assertThat(first.gain().high()).isCloseTo(1, within(1e-9));
    // KTO: 0.9, 1.2, 0.6 over its start: mean 0.9, deviation 0.3
    Interval second = standings.get(1).gain();
    assertThat(second.estimate()).isCloseTo(0.9, within(1e-9));
    assertThat(second.low()).isCloseTo(0.9 - 0.3 * WIDTH, within(1e-5));
  }

  @Test
  void theGainOverFilesIsClusteredByFile() {
    Start start =
        new Start(
            List.of(new Gold(List.of(1., 1., 1.)), new Gold(List.of(1., 1., 1.))),
            List.of("A", "A", "B"));
    List<Gold> finals = List.of(new Gold(List.of(2., 2., 3.)), new Gold(List.of(2., 2., 5.)));
    // means over seeds gain 1, 1 and 3: mean 5/3; clusters −4/3 and 4/3, so that
    // V = 2/1·(2·16/9)/9 and t of one degree of freedom is 12.7062
    Interval gain = start.gainOverFiles(finals);
    assertThat(gain.estimate()).isCloseTo(5 / 3., within(1e-9));
    assertThat(gain.high() - gain.estimate())
        .isCloseTo(12.7062 * Math.sqrt(2 * (2 * 16 / 9.) / 9), within(1e-3));
    assertThat(start.filesCount()).isEqualTo(2);
  }

  @Test
  void oneAloneHasTheOnlyPlace() {
    Start start = new Start(List.of(gold(1), gold(2)), List.of("A", "A", "B"));
    assertThat(Standing.of(Map.of(Algorithm.IPO, List.of(gold(1), gold(2))), start))
        .singleElement()
        .satisfies(standing -> assertThat(standing.places()).isEqualTo("1"));
  }

  @Test
  void aClaimIsWhatTheIntervalsShowAndWhatFailedIsAClaimThatDoesNotHold() {
    AlgorithmsPlan plan =
        AlgorithmsPlan.standard(
            List.of(Algorithm.GRPO, Algorithm.PPO, Algorithm.DPO, Algorithm.KTO), 3, 12);
    Map<Algorithm, List<LearningCurve>> curves = new EnumMap<>(Algorithm.class);
    FINALS.forEach(
        (algorithm, finals) -> {
          List<LearningCurve> own = new ArrayList<>();
          for (int seed = 0; seed < finals.size(); seed++) {
            long tokens = algorithm == Algorithm.KTO && seed == 2 ? 12_000 : 12_345;
            own.add(curve(algorithm, seed, finals.get(seed), new Spent(12, tokens, "", "")));
          }
          curves.put(algorithm, own);
        });
    curves.put(
        Algorithm.DPO,
        List.of(
            LearningCurve.failed(
                Algorithm.DPO, 0, new Spent(7, 7_000, "9 pairs", ""), "it ended\n  early\n"),
            curve(Algorithm.DPO, 1, gold(5), new Spent(12, 12_345, "8 pairs", "")),
            curve(Algorithm.DPO, 2, gold(6), new Spent(12, 12_345, "8 pairs", ""))));

    ExperimentReport report = AlgorithmsReport.of(plan, START, curves);

    assertThat(report.claims())
        .extracting(Claim::verdict)
        .containsExactly(
            Claim.Verdict.CONTRADICTED,
            Claim.Verdict.CONTRADICTED,
            Claim.Verdict.HOLDS,
            Claim.Verdict.HOLDS,
            Claim.Verdict.NOT_MEASURED,
            Claim.Verdict.NOT_MEASURED);
    Claim failed = report.claims().getLast();
    assertThat(failed.holds()).isFalse();
    assertThat(failed.missing())
        .isEqualTo("DPO, seed 0, after 7 iterations and 7,000 tokens: it ended early");
    assertThat(report.sections().getFirst().text())
        .contains("| 1 to 2 | GRPO | 6.000 (")
        .contains("| 12,345 | 12.0 |")
        .contains("| 3 | PPO |")
        .contains("at 3 held-out positions in 2 files")
        .contains("(by seed: 9 pairs; 8 pairs; 8 pairs)")
        .contains("Of KTO each compares what it samples itself")
        .doesNotContain("DAPO samples")
        .doesNotContain("| DPO |");
    assertThat(report.sections().get(1).text())
        .as("a reason of several lines is one line of the list")
        .endsWith("\n\n- DPO, seed 0, after 7 iterations and 7,000 tokens: it ended early\n");
    assertThat(report.sections().get(2).text())
        .as("12 iterations of 16 prompts and 8 completions of 8 tokens are 12,288")
        .contains("- KTO, seed 2: 12,000 tokens in 12 iterations")
        .doesNotContain("seed 1");
    String alone =
        AlgorithmsReport.of(
                plan,
                START,
                Map.of(Algorithm.GRPO, Objects.requireNonNull(curves.get(Algorithm.GRPO))))
            .sections()
            .getFirst()
            .text();
    assertThat(alone)
        .as("nothing of algorithms that did not run")
        .contains("clips do nothing. Tokens and iterations are means")
        .doesNotContain("DPO is as it was published", "each compares", "DAPO samples");
    String svg = report.charts().getFirst().svg().toString();
    assertThat(svg).contains("1 to 2: GRPO").contains("3: PPO").doesNotContain("NaN");
    assertThat(svg.split("<polygon", -1)).as("an interval for each").hasSize(1 + 3);
  }
}
