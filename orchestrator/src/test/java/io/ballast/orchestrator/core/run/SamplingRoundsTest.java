package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.peer.Patiences;
import io.ballast.orchestrator.core.peer.RetryBudget;
import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.PromptPlan;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.testing.FakePeers;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.QuietMonitor;
import io.ballast.orchestrator.testing.TestClock;
import io.ballast.orchestrator.testing.TestSpecs;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * An iteration of two prompts is sampled until two groups have a signal. Vowels are rewarded,
 * letters after s do harm.
 */
class SamplingRoundsTest {
  private static final PinnedVersion POLICY = new PinnedVersion("tiny", "1", FakeWorld.sha("base"));

  private final TestClock clock = new TestClock();
  private final Queue<List<SampledPrompt>> script = new ArrayDeque<>();
  private final List<PromptPlan.Round> asked = new ArrayList<>();
  private final List<DataCursor> cursors = new ArrayList<>();

  private final List<String> told = new ArrayList<>();

  /** A group of a prompt, its completions with a stroke between them. */
  private static SampledPrompt group(String completions) {
    return new SampledPrompt.Sampled(
        "p",
        FakeWorld.tokens("p"),
        Arrays.stream(completions.split("/", -1))
            .map(
                text ->
                    new SampledCompletion(
                        FakeWorld.tokens(text), text, FakeWorld.logProbs(text), false))
            .toList());
  }

  private void round(SampledPrompt... groups) {
    script.add(List.of(groups));
  }

  /** The next of the script; the cursor counts the prompts. */
  private DataSupply.Drawn draw(DataCursor cursor, PromptPlan.Round round, PinnedVersion policy) {
    assertThat(policy).isEqualTo(POLICY);
    asked.add(round);
    cursors.add(cursor);
    List<SampledPrompt> rows = script.isEmpty() ? List.of() : script.remove();
    int first = (int) cursor.stream().events();
    return new DataSupply.Drawn(
        rows,
        new PromptPlan.Draw(
            IntStream.range(first, first + rows.size()).boxed().toList(), at(first + rows.size())));
  }

  private static DataCursor at(long events) {
    return DataCursor.none().at(new DataCursor.Stream("", events));
  }

  private RolloutAhead.Rollout roll(String more) {
    return rollAs(TestSpecs.spec("rounds", more));
  }

  private RolloutAhead.Rollout rollAs(String text) {
    RunSpec spec = new SpecParser().apply(text);
    Run run =
        new Run(
            "0a1b2c3d-0000-4000-8000-000000000000",
            "default",
            "rounds",
            "",
            POLICY,
            spec.iterations(),
            TestClock.START,
            RunProgress.queued());
    PromptSets prompts =
        new PromptSets(
            List.of("a", "b", "c", "d", "e"), GroupedPrompts.alone(List.of("x", "y", "z")));
    Patience patience =
        new Patience(
            new Patience.Limits(Duration.ofMinutes(1), Duration.ofMillis(1), Duration.ofMillis(1)),
            new RetryBudget(10, 0.1),
            time -> {},
            clock::nanoTime,
            new Random(1));
    FakePeers peers = new FakePeers();
    return new SamplingRounds(
            new Judging(
                peers.rewards,
                peers.costs,
                new Patiences(patience, patience, patience, patience, patience),
                Runnable::run),
            new Watching(),
            clock::nanoTime)
        .roll(
            Job.of(run, spec, prompts),
            run,
            this::draw,
            at(0),
            7,
            POLICY,
            end -> told.add("ends at " + end.stream().events()));
  }

  private RolloutAhead.Rollout dapo(String more) {
    return roll("algorithm: DAPO\nshaping: []\n" + more);
  }

  @Test
  void aBatchThatIsFullAtOnceIsOneRound() {
    round(group("a/b/b"), group("b/ae/b"));

    RolloutAhead.Rollout rollout = dapo("");

    assertThat(rollout.rounds()).isEqualTo(new RoundsReading(1, 2, 2));
    assertThat(asked).containsExactly(new PromptPlan.Round(7, 1, 2, Set.of()));
    assertThat(rollout.next()).isEqualTo(at(2));
  }

  @Test
  void asManyFurtherPromptsAreSampledAsGroupsAreMissing() {
    round(group("b/b/b"), group("a/b/b"));
    round(group("az/az/az"));
    round(group("e/ee/b"));

    RolloutAhead.Rollout rollout = dapo("");

    assertThat(rollout.rounds()).isEqualTo(new RoundsReading(3, 4, 2));
    assertThat(asked)
        .containsExactly(
            new PromptPlan.Round(7, 1, 2, Set.of()),
            new PromptPlan.Round(7, 2, 1, Set.of(0, 1)),
            new PromptPlan.Round(7, 3, 1, Set.of(0, 1, 2)));
    assertThat(cursors).containsExactly(at(0), at(2), at(3));
    assertThat(rollout.next()).isEqualTo(at(4));
  }

  @Test
  void whatHasNoSignalIsPaidForAndItsHarmIsSeen() {
    round(group("b/b/b"), group("a/b/b"));
    round(group("zz/zz/zz"));
    round(group("e/ee/b"));

    RolloutAhead.Rollout rollout = dapo("");

    assertThat(rollout.sampled().stream().mapToLong(SampledPrompt::sampledTokens).sum())
        .isEqualTo(3 + 3 + 6 + 4);
    assertThat(rollout.judged().groups()).hasSize(4);
    assertThat(rollout.judged().droppedCount()).isZero();
    assertThat(rollout.judged().completions().mapToDouble(JudgedCompletion::cost).sum())
        .as("three that are nothing but harm, in the group without a signal")
        .isEqualTo(3);
    assertThat(rollout.judged().costModels()).hasSize(1);
  }

  @Test
  void whatIsWorthTheSameHasNoSignalAndHarmIsPartOfItsWorth() {
    round(group("ab/ab/ab"), group("ab/az/ab")); // one vowel each; half of az is harm
    round(group("a/b/b"));

    assertThat(dapo("").rounds()).isEqualTo(new RoundsReading(2, 3, 2));

    round(group("ab/ab/ab"), group("ab/az/ab"));
    round(group("ab/ab/az"), group("a/b/b"));
    round(group("e/b/b"));

    assertThat(dapo("constraint: {enabled: false}\n").rounds())
        .as("where harm has no price, only rewards differ")
        .isEqualTo(new RoundsReading(3, 5, 2));
  }

  @Test
  void whereItsRoundsAreUsedUpItGoesOnWithWhatThereIs() {
    round(group("b/b/b"), group("a/b/b"));
    round(group("b/b/b"));
    round(group("b/b/b"));
    round(group("a/b/b"));

    RolloutAhead.Rollout rollout = dapo("selector: {max_rounds: 3}\n");

    assertThat(rollout.rounds()).isEqualTo(new RoundsReading(3, 4, 1));
    assertThat(rollout.next()).isEqualTo(at(4));
    assertThat(script).hasSize(1);
  }

  @Test
  void whereItHasHadAllPromptsItGoesOnWithWhatThereIs() {
    round(group("b/b/b"), group("a/b/b"));
    round(group("b/b/b"));

    RolloutAhead.Rollout rollout = dapo("");

    assertThat(rollout.rounds()).isEqualTo(new RoundsReading(2, 3, 1));
    assertThat(asked).as("it asked once more, in vain").hasSize(3);
    assertThat(rollout.next()).isEqualTo(at(3));
  }

  @Test
  void aFurtherRoundOfWhichNothingCanBeLearnedFailsNothingAndAFirstOneDoes() {
    round(group("b/b/b"), group("a/b/b"));
    round(new SampledPrompt.Failed("busy", 5));
    round(group("e/b/b"));

    RolloutAhead.Rollout rollout = dapo("");

    assertThat(rollout.rounds()).isEqualTo(new RoundsReading(3, 4, 2));
    assertThat(rollout.judged().droppedCount()).isEqualTo(3);
    assertThat(rollout.judged().size() + rollout.judged().droppedCount()).isEqualTo(4 * 3);
    assertThat(rollout.judged().firstFailure()).isEqualTo("busy");

    round(new SampledPrompt.Failed("busy", 5), new SampledPrompt.Failed("busy", 5));
    assertThatThrownBy(() -> dapo(""))
        .isInstanceOfSatisfying(
            MeshException.class,
            thrown -> assertThat(thrown.fault()).isEqualTo(Fault.DEPENDENCY_BROKEN))
        .hasMessageContaining("none of 2 groups");
  }

  @Test
  void whoFailsFastFailsInAFurtherRoundToo() {
    round(group("b/b/b"), group("a/b/b"));
    round(new SampledPrompt.Failed("busy", 5));

    assertThatThrownBy(
            () ->
                rollAs(
                    TestSpecs.spec("rounds", "algorithm: DAPO\nshaping: []\n")
                        .replace("  min_group: 2\n", "  group_strategy: FAIL_FAST\n")))
        .isInstanceOfSatisfying(
            MeshException.class,
            thrown -> assertThat(thrown.fault()).isEqualTo(Fault.DEPENDENCY_BROKEN))
        .hasMessageEndingWith("the spec says FAIL_FAST: busy");
  }

  @Test
  void aGroupThatIsNotViableIsReplacedToo() {
    round(group("a/b/"), group("e//")); // a completion without a token is dropped: two of two left
    round(group("i/b/b"));

    RolloutAhead.Rollout rollout = dapo("");

    assertThat(rollout.rounds()).isEqualTo(new RoundsReading(2, 3, 2));
    assertThat(rollout.judged().size()).isEqualTo(5);
    assertThat(rollout.judged().droppedCount()).isEqualTo(4);
  }

  @Test
  void whoLeavesNothingOutSamplesOnceAndTellsNoRounds() {
    round(group("b/b/b"), group("b/b/b"));
    RolloutAhead.Rollout all = roll("algorithm: GRPO\n");
    round(group("b/b/b"), group("b/b/b"));
    RolloutAhead.Rollout once =
        roll("algorithm: DAPO\nshaping: [HISTORY]\nselector: {max_rounds: 1}\n");

    assertThat(all.rounds()).isNull();
    assertThat(once.rounds()).as("a history of rewards hides what has a signal").isNull();
    assertThat(asked).hasSize(2);
  }

  @Test
  void whereItEndsIsToldBeforeARoundIsJudgedThatIsKnownToBeTheLast() {
    round(group("b/b/b"), group("a/b/b"));
    roll("algorithm: GRPO\n");
    assertThat(told).containsExactly("ends at 2", "JUDGE");

    told.clear();
    round(group("a/b/b"), group("b/b/b"));
    round(group("b/b/b"));
    dapo("selector: {max_rounds: 2}\n");
    assertThat(told).containsExactly("JUDGE", "ends at 3", "JUDGE");

    told.clear();
    round(group("a/b/b"), group("b/ae/b"));
    dapo("");
    assertThat(told).as("it is full, which nobody knew before").containsExactly("JUDGE");
  }

  private final class Watching extends QuietMonitor {
    @Override
    public <T> T watch(Run run, Phase phase, int iteration, Supplier<T> work) {
      told.add(phase.name());
      return super.watch(run, phase, iteration, work);
    }
  }
}
