package io.ballast.orchestrator.core.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.measure.EvaluationReading.Failed;
import io.ballast.orchestrator.core.measure.EvaluationReading.Measured;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.core.peer.RetryBudget;
import io.ballast.orchestrator.core.peer.RewardOracle;
import io.ballast.orchestrator.core.peer.RewardOracle.Outcome;
import io.ballast.orchestrator.core.peer.RolloutSource;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.rollout.SampledPrompt;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.core.spec.LeastSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.TestClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Held-out prompts are scored by the run's reward; a group of them counts once. */
class HeldOutScoringTest {
  private static final PinnedVersion POLICY = new PinnedVersion("tiny", "2", FakeWorld.sha("w"));
  private static final GroupedPrompts PROMPTS =
      new GroupedPrompts(List.of("p", "q", "r"), List.of("A", "A", "B"));
  private static final RunSpec SPEC =
      LeastSpec.read(
          LeastSpec.LEAST
              + """
              seed: 9
              rollout: {max_new_tokens: 5, stop_strings: [";"], max_prompt_tokens: 7}
              evaluation: {prompts: {inline: [p, q, r], groups: [A, A, B]}, completions: 2}
              """);

  private final List<RolloutSource.Query> asked = new ArrayList<>();

  /**
   * Evaluates {@code completions} of each prompt, of which the text is the reward; a text that is
   * no number has none.
   */
  private EvaluationReading read(GroupedPrompts prompts, Map<String, List<String>> completions) {
    RolloutSource rollouts =
        query -> {
          asked.add(query);
          return query.prompts().stream()
              .map(prompt -> sampled(prompt, completions.get(prompt)))
              .toList();
        };
    RewardOracle rewards =
        (tenant, reward, items) ->
            items.stream().map(item -> outcome(item.completion().text())).toList();
    return new HeldOutScoring(rollouts, rewards, patience(), patience())
        .evaluate("default", POLICY, SPEC, Objects.requireNonNull(SPEC.evaluation()), prompts)
        .reading();
  }

  private static SampledPrompt sampled(String prompt, @Nullable List<String> texts) {
    return texts == null
        ? new SampledPrompt.Failed("broken")
        : new SampledPrompt.Sampled(
            prompt,
            FakeWorld.tokens(prompt),
            texts.stream()
                .map(
                    text ->
                        new SampledCompletion(
                            FakeWorld.tokens(text), text, FakeWorld.logProbs(text), false))
                .toList());
  }

  private static Outcome outcome(String text) {
    return text.equals("?")
        ? new Outcome.Missing("member 3 timed out")
        : new Outcome.Value(Double.parseDouble(text), OptionalDouble.empty());
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

  @Test
  void aHandComputedEvaluation() {
    EvaluationReading reading =
        read(
            PROMPTS,
            Map.of("p", List.of("1", "3"), "q", List.of("4", "?"), "r", List.of("7", "9")));

    // prompts: 2, 4, 8; groups: A = (2 + 4) / 2 = 3, B = 8; mean 5.5, std 5 / √2,
    // width t(0.975, 1) · std / √2 = 12.7062 · 2.5
    Measured measured = (Measured) reading;
    assertThat(measured.mean()).isCloseTo(5.5, within(1e-12));
    assertThat(measured.high() - 5.5).isCloseTo(12.7062 * 2.5, within(1e-3));
    assertThat(5.5 - measured.low()).isCloseTo(12.7062 * 2.5, within(1e-3));
    assertThat(measured.confidence()).isEqualTo(0.95);
    assertThat(measured.unitsCount()).isEqualTo(2);
    assertThat(measured.scoredCount()).isEqualTo(5);
    assertThat(measured.failedCount()).isEqualTo(1);
  }

  @Test
  void equalRewardsHaveAnIntervalOfNoWidth() {
    EvaluationReading reading =
        read(
            GroupedPrompts.alone(PROMPTS.prompts()),
            Map.of("p", List.of("2", "2"), "q", List.of("2", "2"), "r", List.of("2", "2")));

    assertThat(reading).isEqualTo(new Measured(2, 2, 2, 0.95, 3, 6, 0));
  }

  @Test
  void moreFailuresThanRewardsAreNoNumber() {
    EvaluationReading reading =
        read(PROMPTS, Map.of("p", List.of("1", "?"), "r", List.of("", "9")));

    assertThat(reading)
        .isEqualTo(
            new Failed(
                "TOO_FEW_SCORES",
                "4 of 6 completions have no reward; the first: member 3 timed out"));
  }

  @Test
  void oneGroupIsNoSample() {
    EvaluationReading reading =
        read(
            PROMPTS,
            Map.of("p", List.of("1", "3"), "q", List.of("1", "3"), "r", List.of("?", "?")));

    assertThat(reading).isInstanceOf(Failed.class);
  }

  @Test
  void aRewardWhoseSquareOverflowsIsNone() {
    EvaluationReading reading =
        read(
            PROMPTS,
            Map.of("p", List.of("1e200", "3"), "q", List.of("1", "3"), "r", List.of("7", "9")));

    assertThat(reading)
        .isInstanceOfSatisfying(
            Measured.class, measured -> assertThat(measured.failedCount()).isEqualTo(1));
  }

  @Test
  void everyEvaluationSamplesAsTheRunDoesAndWithTheSameSeed() {
    Map<String, List<String>> completions =
        Map.of("p", List.of("1", "3"), "q", List.of("1", "3"), "r", List.of("7", "9"));
    var first = read(PROMPTS, completions);
    var second = read(PROMPTS, completions);

    assertThat(first).isEqualTo(second);
    assertThat(asked.getFirst()).isEqualTo(asked.getLast());
    assertThat(asked.getFirst().policy()).isEqualTo(POLICY);
    assertThat(asked.getFirst().completionsCount()).isEqualTo(2);
    assertThat(asked.getFirst().maxPromptTokens()).isEqualTo(7);
    assertThat(asked.getFirst().sampling().maxNewTokens()).isEqualTo(5);
    assertThat(asked.getFirst().sampling().stopStrings()).containsExactly(";");
  }
}
