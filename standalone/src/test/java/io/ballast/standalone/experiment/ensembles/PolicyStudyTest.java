package io.ballast.standalone.experiment.ensembles;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.selection.BestOfN;
import io.ballast.standalone.experiment.Claim;
import io.ballast.standalone.experiment.Claim.Verdict;
import io.ballast.standalone.experiment.ensembles.GoldCurves.OfSeed;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Claims about learning follow from quarters of runs, paired by seed. */
class PolicyStudyTest {
  private static final int ITERATIONS = 8;

  /** Runs that rise to {@code top} and then fall by {@code fall}, members' variance growing. */
  private static List<List<PolicyIteration>> runs(double top, double fall, double growth) {
    SplittableRandom random = new SplittableRandom(5);
    List<List<PolicyIteration>> runs = new ArrayList<>();
    for (int s = 0; s < 5; s++) {
      List<PolicyIteration> run = new ArrayList<>();
      for (int i = 0; i < ITERATIONS; i++) {
        double gold = i < 4 ? top * i / 3 : top - fall * (i - 3) / 4;
        run.add(
            new PolicyIteration(
                i,
                gold + s + 0.01 * random.nextGaussian(),
                i,
                0.1 * Math.exp(growth * i),
                i == 7 ? 2 : 0,
                i == 7 ? 1 : 0));
      }
      runs.add(run);
    }
    return runs;
  }

  private static PolicyStudy asInThePaper() {
    Map<Aggregate, List<List<PolicyIteration>>> runs = new EnumMap<>(Aggregate.class);
    runs.put(Aggregate.SINGLE, runs(1, 1, 0.1));
    runs.put(Aggregate.MEAN, runs(1.1, 0.8, 0.1));
    runs.put(Aggregate.UWO, runs(1.2, 0.2, 0.02));
    runs.put(Aggregate.WCO, runs(1.3, 0.1, 0.02));
    return new PolicyStudy(0.25, runs);
  }

  @Test
  void theyHoldOnRunsAsInThePaper() {
    assertThat(asInThePaper().claims()).extracting(Claim::verdict).containsOnly(Verdict.HOLDS);
  }

  @Test
  void aTableHasEachQuarterOfEachAggregate() {
    String table = asInThePaper().table();
    assertThat(table.lines()).hasSize(2 + 4 * 4);
    // KL of the last quarter is the mean of 6 and 7, the same in all seeds
    assertThat(table).contains("| WCO | 4 | 6.500 ± 0.000 |");
    // three completions of the last iteration of each of five runs had no reward, or no other
    assertThat(table.lines().filter(line -> line.startsWith("| WCO | 4 |")))
        .allMatch(line -> line.endsWith("| 15 |"));
    assertThat(table.lines().filter(line -> line.startsWith("| WCO | 3 |")))
        .allMatch(line -> line.endsWith("| 0 |"));
  }

  @Test
  void goldAtAKlLiesBetweenTwoN() {
    List<OfSeed> seeds = new ArrayList<>();
    for (int s = 0; s < 2; s++) {
      Map<Aggregate, double[]> gold = new EnumMap<>(Aggregate.class);
      for (Aggregate aggregate : Aggregate.values()) {
        gold.put(aggregate, new double[] {0, 1, 3});
      }
      seeds.add(new OfSeed(gold, new double[] {0, 1, 3}));
    }
    GoldCurves curves = GoldCurves.of(List.of(1, 2, 4), seeds);
    double middle = (BestOfN.kl(2) + BestOfN.kl(4)) / 2;
    assertThat(PolicyStudy.at(curves, 0, middle)).isCloseTo(2, within(1e-9));
    assertThat(PolicyStudy.at(curves, 0, 100)).isEqualTo(3);
    assertThat(PolicyStudy.at(curves, 0, -0.01)).isEqualTo(0);
  }
}
