package io.ballast.reward;

import static io.ballast.reward.testing.Composites.LEARNED;
import static io.ballast.reward.testing.Composites.composite;
import static io.ballast.reward.testing.TestReward.item;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A candidate sees what serves and is seen by nobody but the operator. What serves gives n
 * characters n/2; the candidate 5 − n/2.
 */
class ShadowTest {
  private static final long LONGEST_WAIT_NANOS = 20_000_000_000L;

  private TestReward reward = start("other/1@1");

  private static TestReward start(String shadow) {
    return TestReward.start(
        Map.of("shadow", shadow),
        List.of(
            composite(
                "other",
                "{'taste': " + LEARNED + ", 'empty': {'kind': 'regex', 'pattern': '.'}}",
                "{'sum': [{'weight': -1, 'of': 'taste'}, {'weight': 5, 'of': 'empty'}]}")));
  }

  @AfterEach
  void stop() {
    reward.close();
  }

  @Test
  void theCandidateIsMeasuredAndNotInTheAnswer() {
    ScoreResponse answer = score("", "12", "1234", "123456");

    assertThat(answer.getResultsList()).extracting(r -> r.getValue()).containsExactly(1., 2., 3.);
    assertThat(answer.getModelVersion().getModel()).isEqualTo("java-reward");
    await("compared", 3);
    // 5 − n: 3, 1, −1
    assertThat(gauge("difference.mean")).isCloseTo(1, within(1e-12));
    assertThat(gauge("difference.deviation")).isCloseTo(2, within(1e-12));
    assertThat(
            reward
                .meters()
                .get("ballast.reward.shadow.agreement")
                .tag("pairs", "one_prompt")
                .gauge()
                .value())
        .as("it orders the other way round")
        .isZero();
  }

  @Test
  void whoNamesAVersionIsNotShadowed() {
    var unused = score("1", "12");
    unused = score("", "1234");

    await("compared", 1);
    assertThat(count("compared") + count("dropped") + count("failed")).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"java-reward/2@1", "nobody/1@1"})
  void aCandidateThatCannotBeAskedFailsNobody(String broken) {
    reward.close();
    reward = start(broken);

    assertThat(score("", "12").getResults(0).getValue()).isEqualTo(1);
    await("failed", 1);
    assertThat(score("", "12").getResults(0).getValue()).isEqualTo(1);
  }

  @Test
  void anItemThatOneOfTheTwoCannotScoreIsCountedAlone() {
    ScoreResponse answer = score("", "12", "X");

    assertThat(answer.getResults(1).hasFailure()).isTrue();
    await("unscored", 1);
    assertThat(count("compared")).isEqualTo(1);
  }

  private ScoreResponse score(String version, String... completions) {
    ScoreRequest.Builder request = ScoreRequest.newBuilder();
    if (!version.isEmpty()) {
      request.setRewardModel(ModelSelector.newBuilder().setVersion(version));
    }
    for (String completion : completions) {
      request.addItems(item(completion, "p", completion));
    }
    return reward.stub().score(request.build());
  }

  private double count(String outcome) {
    return reward
        .meters()
        .get("ballast.reward.shadow.items")
        .tag("outcome", outcome)
        .counter()
        .count();
  }

  private double gauge(String name) {
    return reward.meters().get("ballast.reward.shadow." + name).gauge().value();
  }

  /** The candidate is asked after the answer: waits until that is done. */
  private void await(String outcome, int items) {
    long end = System.nanoTime() + LONGEST_WAIT_NANOS;
    while (count(outcome) < items) {
      assertThat(System.nanoTime()).as("%s %s", items, outcome).isLessThan(end);
      Thread.yield();
    }
  }
}
