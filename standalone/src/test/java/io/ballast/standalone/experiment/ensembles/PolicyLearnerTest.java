package io.ballast.standalone.experiment.ensembles;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.workshop.corpus.SourceFile;
import io.ballast.workshop.programmer.Position;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The decoder that comes along learns what it is rewarded for, and is measured as it does. */
class PolicyLearnerTest {
  private static final StoredModel TRUNK =
      new StoredModel("java-tiny", "1", Path.of("..", "models", "java-tiny", "1"));
  private static final String TEXT =
      "public final class A {\n"
          + "  private int count;\n"
          + "  int twice() {\n"
          + "    return count + count;\n"
          + "  }\n"
          + "}\n";
  private static final List<Position> POSITIONS =
      List.of(at("return "), at("private "), at("int twice"));

  private static Position at(String before) {
    return new Position(
        new SourceFile("made-up-1", "A.java", TEXT), TEXT.indexOf(before) + before.length());
  }

  private static EnsemblesPlan plan(int iterations) {
    return new EnsemblesPlan(2, 3, 8, 1, 8, 2, 0.25, 3, 8, iterations, 1e-3);
  }

  @Test
  void shorterCompletionsAreLearnedWhereTheyAreRewarded() {
    List<Double> lengths = new ArrayList<>();
    Rewards shortness =
        items -> {
          lengths.add(
              items.stream().mapToInt(item -> item.completion().size()).average().orElseThrow());
          return items.stream().map(PolicyLearnerTest::shortness).toList();
        };
    List<Integer> told = new ArrayList<>();
    List<PolicyIteration> run =
        new PolicyLearner(TRUNK, plan(12), POSITIONS).run(1, shortness, () -> told.add(1));

    assertThat(run).hasSize(12);
    assertThat(told).hasSize(12);
    assertThat(run.getFirst().kl()).isCloseTo(0, within(1e-3)); // nothing was learned yet
    assertThat(run.getLast().kl()).isGreaterThan(0.3);
    assertThat(mean(run.subList(8, 12))).isGreaterThan(mean(run.subList(0, 4)) + 0.5);
    assertThat(lengths.subList(8, 12).stream().mapToDouble(d -> d).average().orElseThrow())
        .isLessThan(lengths.getFirst());
    assertThat(run).extracting(PolicyIteration::leftOut).containsOnly(0);
    // members one below and one above: variance 1
    assertThat(run.getFirst().variance()).isCloseTo(1, within(1e-9));
  }

  private static Optional<Rewards.Reward> shortness(Rewards.Item item) {
    double value = -item.completion().size();
    return Optional.of(new Rewards.Reward(value, List.of(value - 1, value + 1)));
  }

  @Test
  void whatHasNoRewardOrNoOtherOfItsPromptIsLeftOutAndCounted() {
    EnsemblesPlan plan = plan(4);
    List<Double> kept = new ArrayList<>();
    // of the first prompt one completion has a reward, of the second all but one, of the third all
    Rewards partly =
        items -> {
          List<Optional<Rewards.Reward>> rewards =
              new ArrayList<>(items.stream().map(PolicyLearnerTest::shortness).toList());
          for (int i = 1; i <= plan.completions(); i++) {
            rewards.set(i, Optional.empty());
          }
          kept.add(
              rewards.stream()
                  .skip(1)
                  .flatMap(Optional::stream)
                  .mapToDouble(Rewards.Reward::value)
                  .average()
                  .orElseThrow());
          return rewards;
        };

    List<PolicyIteration> run = new PolicyLearner(TRUNK, plan, POSITIONS).run(1, partly, () -> {});

    assertThat(run).extracting(PolicyIteration::unscored).containsOnly(plan.completions());
    assertThat(run).extracting(PolicyIteration::alone).containsOnly(1);
    assertThat(run).extracting(PolicyIteration::proxy).isEqualTo(kept);
  }

  private static double mean(List<PolicyIteration> iterations) {
    return iterations.stream().mapToDouble(PolicyIteration::proxy).average().orElseThrow();
  }

  @Test
  void poolsAreDrawnWholeAndJudgedByTheFile() {
    try (TorchDecoder decoder = TorchDecoder.load(TRUNK.folder(), ServingOptions.defaults())) {
      List<Long> progress = new ArrayList<>();
      List<DrawnPool> pools = new PoolDrawer(decoder).draw(POSITIONS, 300, 1, progress::add);
      assertThat(pools).hasSize(3);
      assertThat(progress.stream().mapToLong(Long::longValue).sum()).isEqualTo(900);
      for (DrawnPool pool : pools) {
        assertThat(pool.completions()).hasSize(300).allMatch(tokens -> tokens.size() > 0);
        assertThat(pool.distinct().completions().size()).isBetween(2, 300);
        assertThat(pool.file()).isEqualTo("made-up-1/A.java");
      }
      // the file goes on with "int count;"
      assertThat(pools.get(1).kept()).allMatch(kept -> kept <= "int count;".length());
      assertThat(pools.get(1).kept()).anyMatch(kept -> kept > 0);
    }
  }
}
