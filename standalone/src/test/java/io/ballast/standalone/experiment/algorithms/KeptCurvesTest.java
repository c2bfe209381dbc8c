package io.ballast.standalone.experiment.algorithms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.rl.algorithm.Algorithm;
import io.ballast.standalone.experiment.algorithms.KeptCurves.Wanted;
import io.ballast.standalone.experiment.algorithms.LearningCurve.Point;
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
    return new KeptCurves(plan, plan.fingerprint("ab"), folder);
  }

  /** Ends after so many, as a mesh that dies does. */
  private CurveSource source(int most) {
    return (algorithm, seed, iterated) -> {
      if (learned.size() == most) {
        throw new IOException("the mesh is gone");
      }
      learned.add(new Wanted(algorithm, seed));
      iterated.run();
      return algorithm == Algorithm.KTO && seed == 1
          ? LearningCurve.failed(algorithm, seed, "not finite")
          : new LearningCurve(
              algorithm,
              seed,
              List.of(new Point(2, 100, 1.5), new Point(Point.LAST, 200, 0.1 + seed)),
              "");
    };
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
    assertThat(Objects.requireNonNull(all.get(Algorithm.KTO)).get(1).failure())
        .isEqualTo("not finite");
  }

  @Test
  void curvesOfAnotherBudgetOrBaseAreLearnedAnew() throws IOException {
    kept(PLAN).fill(source(4), worker, () -> {});

    assertThat(kept(AlgorithmsPlan.standard(PLAN.algorithms(), 2, 24)).missing()).hasSize(4);
    assertThat(new KeptCurves(PLAN, PLAN.fingerprint("cd"), folder).missing()).hasSize(4);
    assertThat(kept(AlgorithmsPlan.standard(PLAN.algorithms(), 3, 12)).missing())
        .as("more seeds take up those that are there")
        .containsExactly(new Wanted(Algorithm.PPO, 2), new Wanted(Algorithm.KTO, 2));
  }

  @Test
  void allAlgorithmsHaveTheSameBudgetAndSixteenAreTheDefault() {
    AlgorithmsPlan plan = AlgorithmsPlan.standard(List.of(), 3, AlgorithmsPlan.ITERATIONS);
    assertThat(plan.algorithms()).hasSize(16).doesNotHaveDuplicates();
    // 36 iterations of 16 prompts and 8 completions of 8 tokens
    assertThat(plan.tokens()).isEqualTo(36_864);
    assertThat(plan.every()).isEqualTo(6);
  }
}
