package io.ballast.standalone.demo.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.spec.PromotionMode;
import io.ballast.orchestrator.core.spec.PromptSource;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.policy.v1.FeedbackEvent.EventCase;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.standalone.demo.flow.ComparisonResult.Arm;
import io.ballast.standalone.demo.measure.Metric;
import io.ballast.standalone.demo.mesh.Decision;
import io.ballast.standalone.demo.mesh.Iteration;
import io.ballast.standalone.demo.mesh.RunEndedException;
import io.ballast.standalone.demo.mesh.RunName;
import io.ballast.standalone.demo.mesh.Suggestion.Fate;
import io.ballast.workshop.programmer.Outcome;
import io.ballast.workshop.programmer.SimulatedProgrammer;
import java.io.IOException;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The whole demo against a mesh whose new version is better, and whose numbers are known. */
class DemoFlowTest {
  /** The usual case, run once: most tests look at it. */
  private static TestDemo demo;

  private static DemoResult result;

  @BeforeAll
  static void runOnce() throws IOException {
    demo = new TestDemo();
    result = demo.run();
  }

  @AfterAll
  static void stop() {
    demo.close();
  }

  @Test
  void whatIsShownGetsOneFeedbackEachUnderItsOwnKey() {
    FirstSuggestions first = result.first();
    assertThat(first.answered()).hasSize(24);
    assertThat(first.count(Fate.SHOWN)).isEqualTo(demo.mesh.feedback.size()).isPositive();
    assertThat(first.feedbackCount()).isEqualTo(demo.mesh.feedback.size());
    assertThat(
            demo.mesh.feedback.stream()
                .map(event -> event.getMetadata().getIdempotencyKey())
                .distinct())
        .hasSize(demo.mesh.feedback.size());
    assertThat(
            demo.mesh.feedback.stream()
                .collect(
                    Collectors.groupingBy(e -> e.getEvent().getEventCase(), Collectors.counting()))
                .getOrDefault(EventCase.ACCEPTED, 0L))
        .isEqualTo(first.count(Outcome.ACCEPTED))
        .isPositive();
  }

  @Test
  void anAcceptedSuggestionSavesWhatTheFileSays() {
    for (FirstSuggestions.Answered one : result.first().answered()) {
      if (one.reaction().isPresent() && !one.suggestion().text().equals(FakeMesh.WRONG)) {
        assertThat(one.reaction().orElseThrow())
            .isEqualTo(SimulatedProgrammer.judge(one.position(), one.position().truth()));
      }
    }
    RecordFeedbackRequest accepted =
        demo.mesh.feedback.stream()
            .filter(event -> event.getEvent().hasAccepted())
            .findFirst()
            .orElseThrow();
    assertThat(accepted.getEvent().getAccepted().getSavedCharacters()).isPositive();
  }

  @Test
  void bothVersionsAnswerTheSamePositionsWithTheSameSeeds() {
    List<SuggestRequest> before = compared("1");
    List<SuggestRequest> after = compared("demo-constrained-0a1b2c3d");
    assertThat(before).hasSize(80);
    assertThat(after)
        .extracting(SuggestRequest::getPrompt, r -> r.getSampling().getSeed())
        .containsExactlyInAnyOrderElementsOf(
            before.stream().map(r -> tuple(r.getPrompt(), r.getSampling().getSeed())).toList());
    assertThat(before).extracting(r -> r.getSampling().getSeed()).doesNotHaveDuplicates();
    assertThat(before).allMatch(r -> !r.getSampling().hasTemperature());
    assertThat(compared("demo-reward-only-0a1b2c3d")).hasSize(80);
  }

  @Test
  void theBetterVersionComesOutBetterByWhatItReallySaid() {
    List<SuggestRequest> before = compared("1");
    // what the fake says of itself: one prompt of four is right, one of eight is withheld
    double right =
        100.0
            * before.stream().filter(r -> Math.floorMod(r.getPrompt().hashCode(), 4) < 1).count()
            / before.size();
    double rightAfter =
        100.0
            * before.stream().filter(r -> Math.floorMod(r.getPrompt().hashCode(), 4) < 2).count()
            / before.size();
    double withheld =
        100.0
            * before.stream().filter(r -> Math.floorMod(r.getPrompt().hashCode(), 8) == 7).count()
            / before.size();
    var accepted = result.comparison().asWritten().row(Metric.ACCEPTED_PERCENT);
    assertThat(accepted.before().value()).isCloseTo(right, within(1e-9));
    assertThat(accepted.after().value()).isCloseTo(rightAfter, within(1e-9));
    assertThat(accepted.difference().value()).isCloseTo(rightAfter - right, within(1e-9));
    var harm = result.comparison().asWritten().row(Metric.PARSE_BREAKING_PERCENT);
    assertThat(harm.before().value()).isCloseTo(100 - right, within(1e-9));
    var shown = result.comparison().inForce();
    assertThat(shown.row(Metric.WITHHELD_PERCENT).before().value())
        .isCloseTo(withheld, within(1e-9));
    // 7 of 8 is never right in the fake, so the gate takes away harm alone
    assertThat(shown.row(Metric.PARSE_BREAKING_PERCENT).before().value())
        .isCloseTo(100 - right - withheld, within(1e-9));
    assertThat(shown.row(Metric.ACCEPTED_PERCENT).before().value()).isCloseTo(right, within(1e-9));
  }

  @Test
  void proxiesStandBesideTheTruthAndFailedItemsAreNoNumbers() {
    var proxies = Objects.requireNonNull(result.comparison().proxies().get(Arm.BEFORE));
    double accepted = proxies.accepted().value() / 100;
    // rewards are 2 and −2, costs .1 and .9; one reward of each call is missing, no cost is
    assertThat(proxies.cost().value())
        .isCloseTo(0.1 * accepted + 0.9 * (1 - accepted), within(1e-9));
    assertThat(proxies.reward().value()).isBetween(-2.0, 2.0);
  }

  @Test
  void theRewardIsRankedBeforeTheRuns() {
    RankingRow served = result.ranking().getFirst();
    assertThat(served.served()).isTrue();
    assertThat(served.accuracy().orElseThrow().share().value()).isEqualTo(1);
    RankingRow likelihood = result.ranking().get(2);
    assertThat(likelihood.accuracy().orElseThrow().share().value()).isEqualTo(0.5);
  }

  @Test
  void theSpecsDifferOnlyInWhatTheyMust() {
    List<String> constrained = spec("demo-constrained").lines().toList();
    List<String> rewardOnly = spec("demo-reward-only").lines().toList();
    assertThat(constrained).hasSameSizeAs(rewardOnly);
    List<String> differing =
        IntStream.range(0, constrained.size())
            .filter(i -> !constrained.get(i).equals(rewardOnly.get(i)))
            .mapToObj(i -> constrained.get(i).strip().replaceAll(":.*", ""))
            .toList();
    assertThat(differing).containsExactly("name", "constraint", "prompts", "promotion");
    assertThat(constrained).contains("  threshold: 0.20", "  delta: 0.05", "promotion: AUTOMATIC");
    assertThat(rewardOnly).contains("  threshold: 0.20", "  delta: 0.05", "promotion: NEVER");
    assertThat(String.join("\n", constrained)).doesNotContain("${");
  }

  @Test
  void theOrchestratorTakesBothSpecs() {
    RunSpec constrained = new SpecParser().apply(spec("demo-constrained"));
    RunSpec rewardOnly = new SpecParser().apply(spec("demo-reward-only"));
    assertThat(constrained.constrained()).isTrue();
    assertThat(rewardOnly.constrained()).isFalse();
    assertThat(rewardOnly.promotion()).isEqualTo(PromotionMode.NEVER);
    assertThat(constrained.safetyTest().threshold()).isEqualTo(0.2);
    assertThat(constrained.safetyTest().costModel()).isNotEqualTo(constrained.cost());
    assertThat(constrained.learningRate().peak()).isEqualTo(1e-4);
    assertThat(constrained.rollout().stopStrings()).containsExactly("\n");
    assertThat(constrained.safetyTest().prompts()).isNotEqualTo(rewardOnly.safetyTest().prompts());
  }

  @Test
  void heldOutPromptsSayWhichFileTheyAreFrom() {
    RunSpec spec = new SpecParser().apply(spec("demo-constrained"));
    assertThat(spec.safetyTest().prompts())
        .isInstanceOfSatisfying(
            PromptSource.Inline.class,
            inline -> {
              assertThat(inline.given().groups()).hasSameSizeAs(inline.given().prompts());
              assertThat(inline.given().groupsCount()).isBetween(2, inline.given().size());
              assertThat(inline.given().groups()).allMatch(group -> group.endsWith(".java"));
            });
    assertThat(spec.prompts().getFirst().rows())
        .isInstanceOfSatisfying(
            PromptSource.Inline.class,
            inline -> assertThat(inline.given().groups()).as("of learning").isEmpty());
  }

  @Test
  void aBrokenWatchIsTakenUpWhereItBroke() {
    assertThat(demo.mesh.watches.get()).isEqualTo(3);
    for (RunName run : RunName.values()) {
      assertThat(result.run(run).iterations()).extracting(i -> i.number()).containsExactly(1, 2);
    }
  }

  @Test
  void aKlThatWasNotMeasuredIsADashAndNoZero() {
    for (RunName run : RunName.values()) {
      assertThat(result.run(run).iterations())
          .extracting(Iteration::klNats)
          .containsExactly(OptionalDouble.of(0.05), OptionalDouble.empty());
    }
    assertThat(demo.screen.toString()).contains("  KL 0.050  ").contains("  KL –  ");
  }

  @Test
  void aPassedTestIsPromotedAndItsCertificateComputedAnew() {
    assertThat(result.run(RunName.CONSTRAINED).decision()).isEqualTo(Decision.PROMOTED);
    assertThat(result.run(RunName.REWARD_ONLY).decision()).isEqualTo(Decision.NO_SOLUTION_FOUND);
    assertThat(result.certificate().orElseThrow().valid()).isTrue();
    assertThat(result.versionBefore()).isEqualTo("1");
    assertThat(result.versionServing()).isEqualTo("demo-constrained-0a1b2c3d");
    assertThat(demo.screen.toString())
        .contains("constrained: PROMOTED, certificate certificate-demo-constrained")
        .contains("upper bound 0.170 ≤ τ 0.20")
        .contains("reward only: NO SOLUTION FOUND")
        .contains("upper bound 0.280 > τ 0.20");
  }

  @Test
  void theUnexpectedIsSaidAsItIs() throws IOException {
    try (TestDemo other = new TestDemo()) {
      other.mesh.ends.put("demo-reward-only", RunState.RUN_STATE_HELD);
      other.mesh.ends.put("demo-constrained", RunState.RUN_STATE_NO_SOLUTION_FOUND);
      DemoResult unexpected = other.run();
      // the reward-only candidate passed: said, and not served
      assertThat(unexpected.run(RunName.REWARD_ONLY).decision()).isEqualTo(Decision.REFUSED);
      assertThat(SummaryText.of(unexpected))
          .contains("reward only: PASSED its test, which was not expected; held by its spec");
      // the constrained one did not: compared all the same
      assertThat(unexpected.versionServing()).isEqualTo("1");
      assertThat(unexpected.versionAfter()).isEqualTo("demo-constrained-0a1b2c3d");
      assertThat(unexpected.certificate()).isEmpty();
      assertThat(unexpected.comparison().asWritten().row(Metric.ACCEPTED_PERCENT).after().value())
          .isPositive();
    }
  }

  @Test
  void aRunThatFailsEndsTheDemoWithItsReason() throws IOException {
    try (TestDemo other = new TestDemo()) {
      other.mesh.ends.put("demo-constrained", RunState.RUN_STATE_FAILED);
      assertThatThrownBy(other::run)
          .isInstanceOf(RunEndedException.class)
          .hasMessage(
              "run demo-constrained (run-demo-constrained): failed: the learner is out of memory");
    }
  }

  private static String spec(String run) {
    return Objects.requireNonNull(demo.mesh.specs.get(run));
  }

  private static List<SuggestRequest> compared(String version) {
    return demo.mesh.suggested.stream()
        .filter(
            request ->
                request.getGateMode() == GateMode.GATE_MODE_SHADOW
                    && request.getPolicy().getVersion().equals(version))
        .toList();
  }
}
