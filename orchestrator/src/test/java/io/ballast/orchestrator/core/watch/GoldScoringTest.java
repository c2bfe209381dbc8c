package io.ballast.orchestrator.core.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.peer.Judgeable;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.peer.RetryBudget;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.peer.RewardOracle.Outcome;
import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.spec.GoldSpec;
import io.ballast.orchestrator.core.spec.ModelRef;
import io.ballast.orchestrator.core.spec.RewardSpec;
import io.ballast.orchestrator.core.watch.GoldReading.Failed;
import io.ballast.orchestrator.core.watch.GoldReading.Measured;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.TestClock;
import io.ballast.rl.aggregation.AggregationMethod;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * Gold is read of a sample, beside the rewards of the same completions; what fails is no number.
 */
class GoldScoringTest {
  private static final RewardSpec REWARD =
      new RewardSpec(new ModelRef("gold", "1"), AggregationMethod.MEAN, 0.5, 0.25);

  private final List<List<Judgeable>> asked = new ArrayList<>();

  private GoldReading read(
      GoldSpec spec, int iteration, JudgedRollout rollout, Function<Judgeable, Outcome> gold) {
    RewardOracle oracle =
        (tenant, reward, items) -> {
          asked.add(items);
          return items.stream().map(gold).toList();
        };
    return new GoldScoring(oracle, patience()).read("default", spec, 5, iteration, rollout);
  }

  private static Patience patience() {
    TestClock clock = new TestClock();
    return new Patience(
        new Patience.Limits(Duration.ofMinutes(1), Duration.ofSeconds(1), Duration.ofSeconds(1)),
        new RetryBudget(10, 0.1),
        clock::advance,
        clock::nanoTime,
        new Random(1));
  }

  private static GoldSpec spec(int completions) {
    return new GoldSpec(REWARD, 1, completions);
  }

  /** Two prompts, each with completions whose text is their reward. */
  private static JudgedRollout rollout(int each) {
    return new JudgedRollout(
        List.of(group("p", 1, each), group("q", 1 + each, each)),
        0,
        List.of(new PinnedVersion("c", "1", "")));
  }

  private static JudgedGroup group(String prompt, int first, int size) {
    return new JudgedGroup(
        prompt,
        FakeWorld.tokens(prompt),
        IntStream.range(first, first + size)
            .mapToObj(
                reward -> {
                  String text = Integer.toString(reward);
                  return new JudgedCompletion(
                      new SampledCompletion(
                          FakeWorld.tokens(text), text, FakeWorld.logProbs(text), false),
                      reward,
                      OptionalDouble.of(0.1),
                      List.of(0.0));
                })
            .toList(),
        List.of());
  }

  private static double number(Judgeable item) {
    return Double.parseDouble(item.completion().text());
  }

  @Test
  void aHandComputedReading() {
    // rewards 1, 2, 3, 4; gold is ten times the square: 10, 40, 90, 160
    GoldReading reading =
        read(spec(8), 1, rollout(2), item -> value(10 * number(item) * number(item)));

    Measured measured = (Measured) reading;
    assertThat(measured.gold()).isEqualTo(75);
    assertThat(measured.goldStd()).isCloseTo(Math.sqrt(12_900 / 3.0), within(1e-9));
    assertThat(measured.proxy()).isEqualTo(2.5);
    assertThat(measured.proxyStd()).isCloseTo(Math.sqrt(5 / 3.0), within(1e-12));
    assertThat(measured.scoredCount()).isEqualTo(4);
    assertThat(measured.failedCount()).isZero();
    assertThat(asked.getFirst()).extracting(Judgeable::prompt).containsExactly("p", "p", "q", "q");
  }

  @Test
  void aSampleIsTheSameAgainAndAnotherInTheNextIteration() {
    for (int iteration : new int[] {1, 1, 2}) {
      var unused = read(spec(6), iteration, rollout(10), item -> value(number(item)));
    }

    assertThat(asked.getFirst()).hasSize(6).doesNotHaveDuplicates();
    assertThat(asked.get(1)).isEqualTo(asked.getFirst());
    assertThat(asked.get(2)).isNotEqualTo(asked.getFirst());
  }

  @Test
  void completionsWithoutGoldAreLeftOutOnBothSides() {
    GoldReading reading =
        read(
            spec(8),
            1,
            rollout(2),
            item -> number(item) == 4 ? new Outcome.Missing("TOO_LONG: 9") : value(1));

    assertThat(reading).isEqualTo(new Measured(1, 0, 2, 1, 3, 1));
  }

  @Test
  void whereMostHaveNoneThereIsNoReading() {
    GoldReading reading =
        read(
            spec(8),
            1,
            rollout(2),
            item -> number(item) > 1 ? new Outcome.Missing("TOO_LONG: 9") : value(1));

    assertThat(reading)
        .isEqualTo(
            new Failed(
                GoldReading.TOO_FEW_SCORES,
                "3 of 4 completions have no gold score; the first: TOO_LONG: 9"));
  }

  @Test
  void aScoreThatCannotBeSquaredIsNone() {
    assertThat(read(spec(8), 1, rollout(2), item -> value(1e200)))
        .isEqualTo(
            new Failed(
                GoldReading.TOO_FEW_SCORES,
                "4 of 4 completions have no gold score; the first: a reward of a size beyond 1e100"));
  }

  @Test
  void aCallThatFailsIsAReadingThatFailed() {
    RewardOracle gone =
        (tenant, reward, items) -> {
          throw new MeshException(Fault.UNKNOWN_MODEL, "reward-server: no version 1 of gold");
        };
    RewardOracle busy =
        (tenant, reward, items) -> {
          throw new MeshException(Fault.OVERLOADED, "reward-server: busy");
        };
    RewardOracle short_ = (tenant, reward, items) -> List.of(value(1));

    assertThat(readBy(gone))
        .isEqualTo(new Failed("UNKNOWN_MODEL", "reward-server: no version 1 of gold"));
    Failed waited = (Failed) readBy(busy);
    assertThat(waited.reason()).isEqualTo("DEPENDENCY_DOWN");
    assertThat(waited.message()).startsWith("could not score completions by gold: ");
    assertThat(readBy(short_))
        .isEqualTo(new Failed("DEPENDENCY_BROKEN", "1 gold scores for 4 completions"));
  }

  private static GoldReading readBy(RewardOracle oracle) {
    return new GoldScoring(oracle, patience()).read("default", spec(8), 5, 1, rollout(2));
  }

  private static Outcome value(double reward) {
    return new Outcome.Value(reward, OptionalDouble.empty());
  }
}
