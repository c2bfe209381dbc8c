package io.ballast.reward;

import static io.ballast.testing.Refusals.fault;
import static io.ballast.testing.Refusals.refusal;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.reward.testing.TinyReward;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.testing.Await;
import io.ballast.testing.FakeTriton;
import io.ballast.testing.FakeTriton.Conduct;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a Triton has is what it says, and what the folders here say of it. */
class TritonVersionsTest extends TritonRewardCase {
  @ParameterizedTest
  @CsvSource({
    "java-nothing, 1, there",
    "tiny-reward, 9, there",
    "tiny-reward, 1, not-there", // though it is in the folder
  })
  void whatTritonHasNotIsNotFoundAsInAFolder(String model, String version, String served)
      throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward =
          start(triton, List.of(here), Map.of("triton.served-models.tiny-reward", served));

      assertThat(fault(() -> reward.score(version(model, version)))).isEqualTo(Fault.UNKNOWN_MODEL);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "weights_sha256_7 | tiny-reward 1: Triton has weights of SHA-256 0000",
        "tokenizer_sha256_7 | tiny/1/tokenizer.json: SHA-256",
      })
  void whatIsAnotherThanInTheFolderIsRefused(String parameter, String says) throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      triton.parameter(parameter, "0".repeat(64));
      RewardServiceBlockingStub reward = start(triton, List.of(here));

      StatusRuntimeException thrown = refusal(() -> score(reward, TinyReward.NAME));

      assertThat(thrown).hasMessageContaining(says);
      assertThat(PeerFaults.reason(thrown)).contains(Fault.CORRUPT_WEIGHTS);
      assertThat(flaws().get("tiny-reward 1")).contains(says.substring(says.indexOf(": ") + 2));
    }
  }

  @Test
  void aServerWithOtherWeightsThanTheAnswerTellsIsNotAsked() throws IOException {
    copyTrunk();
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward = start(triton, List.of(trunkOnly));
      assertThat(score(reward, TinyReward.NAME).getModelVersion().getWeightsSha256())
          .isEqualTo(weightsSha256());

      triton.parameter("weights_sha256_7", "0".repeat(64));

      // at the next look it has the version anew, and the answers tell the weights that gave them
      Await.until(
          () ->
              answers(reward)
                  && score(reward, TinyReward.NAME)
                      .getModelVersion()
                      .getWeightsSha256()
                      .equals("0".repeat(64)));
    }
  }

  @Test
  void whatAnotherExportReplacedIsFreed() throws IOException {
    copyTrunk();
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward =
          start(triton, List.of(trunkOnly), Map.of("triton.in-flight", "1"));
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
      Set<Thread> before = lanes();
      assertThat(before).hasSize(3);

      triton.parameter("weights_sha256_7", "0".repeat(64));

      Await.until(() -> answers(reward) && lanes().stream().noneMatch(before::contains));
      assertThat(lanes()).hasSize(3);
    }
  }

  /** The workers of the lanes of all versions that are open. */
  private static Set<Thread> lanes() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("batch-tiny-reward-1-"))
        .collect(Collectors.toSet());
  }

  @ParameterizedTest
  @EnumSource(
      value = Conduct.class,
      names = {"FORBIDDEN", "UNSUPPORTED", "FAILS"})
  void aVersionThatIsBrokenDoesNotShutOffTheGoodOne(Conduct conduct) throws IOException {
    copyTrunk();
    try (FakeTriton good = FakeTriton.start(entry);
        FakeTriton bad = FakeTriton.start(entry)) {
      bad.parameter("source_7", TinyReward.NAME + "/2");
      bad.conduct(conduct);
      RewardServiceBlockingStub reward =
          start(
              good,
              List.of(trunkOnly),
              Map.of("triton.targets", good.address() + "," + bad.address()));
      for (int i = 0; i < 4; i++) { // the fewest that a breaker judges by
        assertThat(fault(() -> reward.score(version("2")))).isEqualTo(Fault.DEPENDENCY_BROKEN);
      }

      assertThat(refusal(() -> reward.score(version("2"))))
          .hasMessageContaining("triton:tiny-reward/2: breaker open");
      assertThat(bad.priorities()).hasSize(4);
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
    }
  }

  @Test
  void anOldExportBlindsNobodyToWhatOtherServersHave() throws IOException {
    copyTrunk();
    try (FakeTriton old = FakeTriton.start(entry);
        FakeTriton good = FakeTriton.start(entry)) {
      old.forget("source_7");
      RewardServiceBlockingStub reward =
          start(
              good,
              List.of(trunkOnly),
              Map.of("triton.targets", old.address() + "," + good.address()));

      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
      assertThat(old.priorities()).isEmpty();
      assertThat(flaws())
          .containsExactly(
              Map.entry(
                  TinyReward.NAME,
                  old.address()
                      + ": model 'there': parameter 'source_7': none"
                      + " (expected: a model that ./mesh models export wrote)"));
      assertThat(fault(() -> reward.score(version("9")))).isEqualTo(Fault.UNKNOWN_MODEL);

      old.parameter("source_7", TinyReward.NAME + "/1");

      Await.until(() -> flaws().isEmpty());
    }
  }

  @Test
  void whereAllExportsAreOldOperatorsAreToldWhere() throws IOException {
    copyTrunk();
    try (FakeTriton one = FakeTriton.start(entry);
        FakeTriton two = FakeTriton.start(entry)) {
      one.forget("source_7");
      two.forget("source_7");
      RewardServiceBlockingStub reward =
          start(
              one,
              List.of(trunkOnly),
              Map.of("triton.targets", one.address() + "," + two.address()));

      StatusRuntimeException thrown = refusal(() -> score(reward, TinyReward.NAME));

      assertThat(PeerFaults.reason(thrown)).contains(Fault.DEPENDENCY_BROKEN);
      assertThat(thrown.getMessage())
          .contains("model 'there': parameter 'source_7': none")
          .doesNotContain(one.address(), two.address());
      assertThat(flaws().get(TinyReward.NAME))
          .startsWith("model 'there': ")
          .endsWith(" (at " + one.address() + ", " + two.address() + ")");
    }
  }
}
