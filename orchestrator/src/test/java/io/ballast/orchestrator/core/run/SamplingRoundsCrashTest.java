package io.ballast.orchestrator.core.run;

import static io.ballast.orchestrator.core.run.KilledRuns.killAnywhere;
import static io.ballast.orchestrator.core.run.LoopWorld.RUN_ID;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.core.peer.RolloutSource;
import io.ballast.orchestrator.testing.CrashPoints;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.MemoryFolder;
import io.ballast.orchestrator.testing.TestSpecs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A run whose iterations sample until their batches are full, killed between any two of its rounds,
 * draws no prompt again and leaves none out.
 */
class SamplingRoundsCrashTest {
  private static final int ALL_PROMPTS = 5;

  @TempDir(factory = MemoryFolder.class)
  Path temporary;

  /** Groups of two, of which about two in five have no signal. */
  private static String dynamic(String more) {
    return TestSpecs.spec(
            "crash", "algorithm: DAPO\nshaping: []\nconstraint: {enabled: false}\n" + more)
        .replace("iterations: 3", "iterations: 5")
        .replace("completions_per_prompt: 3", "completions_per_prompt: 2");
  }

  @Test
  void aRunThatSamplesUntilItsBatchIsFullIsTheSameWhereverItIsKilled() throws IOException {
    String spec = dynamic("");
    Run run = killAnywhere(temporary, spec);

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    assertThatNothingIsRepeatedOrLost(spec);
  }

  @Test
  void soIsOneThatDoesItAhead() throws IOException {
    String spec =
        dynamic("objective: {importance_cap: 2}")
            .replace("rollout:\n", "rollout:\n  staleness: 2\n");
    Run run = killAnywhere(temporary, spec);

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    assertThatNothingIsRepeatedOrLost(spec);
  }

  @Test
  void whereItsRoundsAreUsedUpAnIterationGoesOnWithWhatThereIs() {
    LoopWorld full = new LoopWorld(temporary.resolve("full"), dynamic(""));
    LoopWorld once = new LoopWorld(temporary.resolve("once"), dynamic("selector: {max_rounds: 1}"));
    var unused = full.work(new CrashPoints(0));
    unused = once.work(new CrashPoints(0));

    assertThat(roundsOf(once))
        .allSatisfy(
            each -> {
              assertThat(each.roundsCount()).isEqualTo(1);
              assertThat(each.sampledGroupsCount()).isEqualTo(2);
            })
        .anySatisfy(each -> assertThat(each.keptGroupsCount()).isLessThan(2));
    assertThat(roundsOf(full)).anySatisfy(each -> assertThat(each.roundsCount()).isGreaterThan(1));
    assertThat(full.store.loopState(RUN_ID).cursor())
        .isNotEqualTo(once.store.loopState(RUN_ID).cursor());
  }

  private static List<RoundsReading> roundsOf(LoopWorld world) {
    return world.store.iterations(RUN_ID, 0).stream()
        .map(each -> Objects.requireNonNull(each.rounds()))
        .toList();
  }

  private void assertThatNothingIsRepeatedOrLost(String spec) {
    LoopWorld world = new LoopWorld(temporary.resolve("rounds"), spec);
    var unused = world.work(new CrashPoints(0));

    long tokens = 0;
    int query = 0;
    List<String> drawn = new ArrayList<>();
    for (IterationMetrics each : world.store.iterations(RUN_ID, 0)) {
      RoundsReading rounds = Objects.requireNonNull(each.rounds());
      List<String> had = new ArrayList<>();
      for (int i = 0; i < rounds.roundsCount(); i++) {
        RolloutSource.Query asked = world.peers.sampled.get(query++);
        had.addAll(asked.prompts());
        tokens += tokensOf(asked);
      }
      assertThat(had).hasSize(rounds.sampledGroupsCount()).doesNotHaveDuplicates();
      assertThat(each.samplesCount()).as("costs and rewards are of all").isEqualTo(2 * had.size());
      assertThat(each.learning().trainedCount()).isEqualTo(2 * rounds.keptGroupsCount());
      assertThat(rounds.keptGroupsCount()).isLessThanOrEqualTo(2);
      assertThat(rounds.keptGroupsCount() == 2 || had.size() == ALL_PROMPTS)
          .as("it is full, or has had all prompts")
          .isTrue();
      assertThat(Objects.requireNonNull(each.spent()).completionTokens()).isEqualTo(tokens);
      drawn.addAll(had);
    }
    assertThat(query).isEqualTo(world.peers.sampled.size());
    assertThat(world.store.loopState(RUN_ID).cursor().places().getFirst().drawn())
        .isEqualTo(drawn.size());
    assertThat(roundsOf(world)).anySatisfy(each -> assertThat(each.roundsCount()).isEqualTo(2));
  }

  private static long tokensOf(RolloutSource.Query query) {
    long tokens = 0;
    for (int i = 0; i < query.prompts().size(); i++) {
      for (int j = 0; j < query.completionsCount(); j++) {
        tokens +=
            FakeWorld.completion(
                    query.policy().weightsSha256(),
                    query.sampling().seed(),
                    query.prompts().get(i),
                    i,
                    j)
                .length();
      }
    }
    return tokens;
  }
}
