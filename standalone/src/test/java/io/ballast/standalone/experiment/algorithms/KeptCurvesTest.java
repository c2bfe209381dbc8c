package io.ballast.standalone.experiment.algorithms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.rl.algorithm.Algorithm;
import io.ballast.standalone.experiment.algorithms.KeptCurves.Wanted;
import io.ballast.standalone.experiment.algorithms.LearningCurve.Point;
import io.ballast.standalone.experiment.algorithms.LearningCurve.Spent;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same command goes on where it was stopped, and takes nothing from another comparison. */
class KeptCurvesTest {
  private static final AlgorithmsPlan PLAN =
      AlgorithmsPlan.standard(List.of(Algorithm.PPO, Algorithm.KTO), 2, 12);

  @TempDir private Path folder = Path.of("");
  private final ExecutorService worker = Executors.newSingleThreadExecutor();
  private final List<Wanted> learned = Collections.synchronizedList(new ArrayList<>());

  @AfterEach
  void stop() {
    worker.shutdownNow();
  }

  private KeptCurves kept(AlgorithmsPlan plan) {
    return new KeptCurves(plan, new Fingerprint(plan, List.of("base ab")), folder);
  }

  /** Ends after so many, as a mesh that dies does. */
  private CurveSource source(int most) {
    return (algorithm, seed, iterated) -> {
      if (learned.size() == most) {
        throw new IOException("the mesh is gone");
      }
      learned.add(new Wanted(algorithm, seed));
      iterated.run();
      return curve(algorithm, seed);
    };
  }

  private static LearningCurve curve(Algorithm algorithm, int seed) {
    return new LearningCurve(
        algorithm,
        seed,
        List.of(new Point(2, 100, 1.5), new Point(Point.LAST, 200, 0.1 + seed)),
        new Gold(List.of(seed + 0.0, seed + 0.2)),
        new Spent(4, 200, "9 pairs", "budget.tokens is used up"),
        "");
  }

  @Test
  void whatIsKeptIsNotLearnedAgain() throws IOException {
    KeptCurves curves = kept(PLAN);
    assertThatThrownBy(() -> curves.fill(source(3), worker, () -> {}))
        .isInstanceOf(IOException.class)
        .hasMessage("the mesh is gone");
    assertThat(learned)
        .as("all algorithms of a seed before the next seed")
        .containsExactly(
            new Wanted(Algorithm.PPO, 0),
            new Wanted(Algorithm.KTO, 0),
            new Wanted(Algorithm.PPO, 1));

    KeptCurves again = kept(PLAN);
    assertThat(again.missing()).containsExactly(new Wanted(Algorithm.KTO, 1));
    int[] iterations = new int[1];
    again.fill(source(4), worker, () -> iterations[0]++);
    assertThat(learned).hasSize(4);
    assertThat(iterations[0]).isEqualTo(1);

    assertThat(kept(PLAN).missing()).isEmpty();
    Map<Algorithm, List<LearningCurve>> all = kept(PLAN).all();
    List<LearningCurve> ppo = Objects.requireNonNull(all.get(Algorithm.PPO));
    assertThat(ppo).extracting(LearningCurve::last).containsExactly(0.1, 1.1);
    assertThat(ppo.getFirst().points())
        .containsExactly(new Point(2, 100, 1.5), new Point(Point.LAST, 200, 0.1));
    assertThat(ppo.getFirst()).isEqualTo(curve(Algorithm.PPO, 0));
  }

  @Test
  void whatFailedIsTriedAgain() throws IOException {
    CurveSource failing =
        (algorithm, seed, _) ->
            algorithm == Algorithm.KTO && seed == 1
                ? LearningCurve.failed(algorithm, seed, new Spent(3, 150, "", ""), "not finite")
                : curve(algorithm, seed);
    kept(PLAN).fill(failing, worker, () -> {});

    LearningCurve failed = Objects.requireNonNull(kept(PLAN).all().get(Algorithm.KTO)).get(1);
    assertThat(failed.failure()).isEqualTo("not finite");
    assertThat(failed.spent()).as("how far it came").isEqualTo(new Spent(3, 150, "", ""));
    assertThat(kept(PLAN).missing()).containsExactly(new Wanted(Algorithm.KTO, 1));

    kept(PLAN).fill(source(1), worker, () -> {});
    assertThat(kept(PLAN).missing()).isEmpty();
    assertThat(Objects.requireNonNull(kept(PLAN).all().get(Algorithm.KTO)).get(1))
        .isEqualTo(curve(Algorithm.KTO, 1));
  }

  @Test
  void curvesOfAnotherBudgetOrBaseAreLearnedAnew() throws IOException {
    kept(PLAN).fill(source(4), worker, () -> {});

    KeptCurves longer = kept(AlgorithmsPlan.standard(PLAN.algorithms(), 2, 24));
    assertThat(longer.missing()).hasSize(4);
    longer.fill(source(8), worker, () -> {});
    assertThat(kept(PLAN).missing()).as("a trial takes nothing from another plan").isEmpty();
    assertThat(new KeptCurves(PLAN, new Fingerprint(PLAN, List.of("base cd")), folder).missing())
        .hasSize(4);
    assertThat(kept(AlgorithmsPlan.standard(PLAN.algorithms(), 3, 12)).missing())
        .as("more seeds take up those that are there")
        .containsExactly(new Wanted(Algorithm.PPO, 2), new Wanted(Algorithm.KTO, 2));
    assertThat(kept(AlgorithmsPlan.standard(List.of(Algorithm.KTO), 2, 12)).missing())
        .as("fewer algorithms, too")
        .isEmpty();
  }

  @Test
  void theFingerprintHasAllThatARunIsMadeOf() {
    Fingerprint fingerprint = new Fingerprint(PLAN, List.of("base ab", "reward 12"));
    String ppo = fingerprint.of(Algorithm.PPO, 0);
    assertThat(ppo)
        .contains("defaults " + RunSpec.DEFAULTS_VERSION)
        .contains("base ab, reward 12")
        .contains("prompts of 64, completions of 12")
        .as("the recipe as the orchestrator reads it")
        .contains("advantage=GAE")
        .as("how members become one reward")
        .contains("aggregation=WORST_CASE")
        .as("nothing that differs from one process to the next")
        .doesNotContainPattern("@[0-9a-f]{5,}")
        .isEqualTo(new Fingerprint(PLAN, List.of("base ab", "reward 12")).of(Algorithm.PPO, 0));
    assertThat(ppo)
        .as("how gold is drawn")
        .contains("gold " + HeldOutGold.VERSION + " by SamplingOptions[temperature=1.0")
        .contains("maxNewTokens=12")
        .contains("after the last 4000 characters")
        .doesNotContain(OfflinePairs.how());
    for (Algorithm algorithm : AlgorithmsPlan.MAIN) {
      assertThat(fingerprint.of(algorithm, 0)).doesNotContainPattern("@[0-9a-f]{5,}");
    }
    assertThat(fingerprint.of(Algorithm.DPO, 0))
        .contains("source=DATA")
        .contains("pairs-0.jsonl")
        .as("how pairs are made")
        .contains("pairs " + OfflinePairs.VERSION + " of SamplingOptions[temperature=1.0");
  }

  @Test
  void whatAnotherRecipeLearnedIsNotOverwritten() throws IOException {
    LearningCurve before = curve(Algorithm.PPO, 0);
    LearningCurve after =
        LearningCurve.failed(Algorithm.PPO, 0, new Spent(1, 50, "", ""), "not finite");
    before.write("clip 0.2", folder);
    after.write("clip 0.3", folder);
    assertThat(LearningCurve.read("clip 0.2", Algorithm.PPO, 0, folder)).contains(before);
    assertThat(LearningCurve.read("clip 0.3", Algorithm.PPO, 0, folder)).contains(after);
    assertThat(LearningCurve.read("clip 0.4", Algorithm.PPO, 0, folder)).isEmpty();

    curve(Algorithm.PPO, 0).write("clip 0.3", folder);
    assertThat(LearningCurve.read("clip 0.3", Algorithm.PPO, 0, folder))
        .as("what failed was tried again")
        .contains(before);
  }

  @Test
  void allAlgorithmsHaveTheSameBudgetAndSixteenThatSampleAndDpoAreTheDefault() {
    AlgorithmsPlan plan = AlgorithmsPlan.standard(List.of(), 3, AlgorithmsPlan.ITERATIONS);
    assertThat(plan.algorithms()).hasSize(17).doesNotHaveDuplicates();
    assertThat(plan.algorithms())
        .filteredOn(RunSpecs::fromData)
        .as("learns from data that is there before")
        .containsExactly(Algorithm.DPO);
    // 36 iterations of 16 prompts and 8 completions of 8 tokens
    assertThat(plan.tokens()).isEqualTo(36_864);
    assertThat(plan.every()).isEqualTo(6);
  }
}
