package io.ballast.reward;

import static io.ballast.testing.Refusals.fault;
import static io.ballast.testing.Refusals.refusal;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.ballast.kit.error.Fault;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.kit.kserve.ModelState;
import io.ballast.reward.testing.TinyReward;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.ballast.reward.v1.ScoreResult;
import io.ballast.testing.Await;
import io.ballast.testing.FakeTriton;
import io.ballast.testing.FakeTriton.Conduct;
import io.ballast.testing.HeardLog;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;

/** What is answered, refused and named while a Triton is away, and when it is back. */
class TritonAwayTest extends TritonRewardCase {
  @Test
  void aTritonThatHangsIsAwayAfterItsTimeoutAndThenForTheBreaker() throws IOException {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      // the first call of a process takes longer than that on a busy machine
      assertThat(answers(start(triton, List.of(here)))).isTrue();
      RewardServiceBlockingStub reward =
          start(triton, List.of(here), Map.of("triton.timeout", "PT0.5S"));
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
      triton.conduct(Conduct.SILENT);
      for (int i = 0; i < 8; i++) {
        assertThat(fault(() -> score(reward, TinyReward.NAME))).isEqualTo(Fault.DEPENDENCY_DOWN);
      }
      int asked = triton.priorities().size();

      StatusRuntimeException refused = refusal(() -> score(reward, TinyReward.NAME));

      assertThat(refused).hasMessageContaining("triton:tiny-reward/1: breaker open");
      assertThat(triton.priorities()).hasSize(asked);
    }
  }

  @Test
  void whoLeavesCancelsItsRequestThereWhichIsNoEvidenceAgainstTriton() throws Exception {
    try (FakeTriton triton = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward =
          start(triton, List.of(here), Map.of("triton.timeout", "PT1H"));
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
      triton.conduct(Conduct.SILENT);

      for (int i = 0; i < 8; i++) {
        int asked = triton.priorities().size();
        // on a busy machine a deadline may pass before Triton is asked
        for (int millis = 100; triton.priorities().size() == asked; millis *= 2) {
          RewardServiceBlockingStub hasty = reward.withDeadlineAfter(millis, TimeUnit.MILLISECONDS);
          var unused = catchThrowable(() -> score(hasty, TinyReward.NAME));
        }
        triton.awaitLeft(); // at the caller's deadline, not after the hour that Triton may take
      }

      triton.conduct(Conduct.ANSWERS);
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue())
          .as("the breaker is closed")
          .isTrue();
    }
  }

  @Test
  void whatIsKnownIsAnsweredWhileTritonIsAway() throws IOException {
    FakeTriton gone = FakeTriton.start(entry);
    RewardServiceBlockingStub reward = start(gone, List.of(here), Map.of("cache-bytes", "100000"));
    double known = score(reward, TinyReward.NAME).getResults(0).getValue();

    gone.close();

    ScoreResult again = score(reward, TinyReward.NAME).getResults(0);
    assertThat(again.getFromCache()).isTrue();
    assertThat(again.getValue()).isEqualTo(known);
  }

  @Test
  void aTritonThatDiesIsNamedAndOneThatComesBackIsAsked() throws IOException {
    FakeTriton first = FakeTriton.start(entry);
    int port = first.port();
    RewardServiceBlockingStub reward = start(first, List.of(here));
    assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
    assertThat(flaws()).isEmpty();

    first.close();

    assertThat(fault(() -> score(reward, TinyReward.NAME))).isEqualTo(Fault.DEPENDENCY_DOWN);
    Await.until(() -> flaws().containsKey("tiny-reward 1"));
    assertThat(states())
        .singleElement()
        .satisfies(state -> assertThat(state.ready()).isFalse())
        .satisfies(state -> assertThat(state.reason()).contains("127.0.0.1:" + port));

    try (FakeTriton second = FakeTriton.startAt(port, entry)) {
      Await.until(() -> flaws().isEmpty());
      Await.until(() -> answers(reward));
      assertThat(second.priorities()).isNotEmpty();
    }
  }

  @Test
  void aTritonThatIsAwayAtTheStartStopsNothing() throws IOException {
    FakeTriton gone = FakeTriton.start(entry);
    int port = gone.port();
    gone.close();
    RewardServiceBlockingStub reward = start(gone, List.of(here));

    assertThat(flaws().get("tiny-reward 1"))
        .as("for operators")
        .endsWith(": connection refused (at " + gone.address() + ")");
    try (HeardLog log = HeardLog.of("io.ballast.inference.triton.TritonErrors", Level.ALL)) {
      StatusRuntimeException refused = refusal(() -> score(reward, TinyReward.NAME));
      assertThat(PeerFaults.reason(refused)).contains(Fault.DEPENDENCY_DOWN);
      assertThat(refused)
          .hasMessageEndingWith(": connection refused")
          .hasMessageNotContaining(Integer.toString(port));
      assertThat(log.messages()).anyMatch(message -> message.contains(gone.address()));
    }
    assertThat(
            reward
                .listRewardModels(ListRewardModelsRequest.getDefaultInstance())
                .getEnsembles(0)
                .getModelVersion()
                .getWeightsSha256())
        .isEqualTo(weightsSha256()); // the folder tells

    try (FakeTriton now = FakeTriton.startAt(port, entry)) {
      Await.until(() -> flaws().isEmpty());
      Await.until(() -> answers(reward));
      assertThat(now.priorities()).isNotEmpty();
    }
  }

  @Test
  void withoutAFolderNobodyKnowsWhatATritonThatIsAwayHas() throws IOException {
    copyTrunk();
    FakeTriton gone = FakeTriton.start(entry);
    gone.close();
    RewardServiceBlockingStub reward = start(gone, List.of(trunkOnly));

    assertThat(fault(() -> score(reward, TinyReward.NAME))).isEqualTo(Fault.DEPENDENCY_DOWN);
    assertThat(flaws()).containsOnlyKeys(TinyReward.NAME);
  }

  @Test
  void whatOnlyASilentServerHasStaysKnownAndIsNamed() throws IOException {
    copyTrunk();
    FakeTriton second = FakeTriton.start(entry);
    second.parameter("source_7", TinyReward.NAME + "/2");
    int port = second.port();
    try (FakeTriton first = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward =
          start(
              first,
              List.of(trunkOnly),
              Map.of("triton.targets", first.address() + "," + second.address()));
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();

      second.close();

      // it may be what the silent one has
      assertThat(fault(() -> reward.score(version("9")))).isEqualTo(Fault.DEPENDENCY_DOWN);
      assertThat(fault(() -> reward.score(version("2")))).isEqualTo(Fault.DEPENDENCY_DOWN);
      Await.until(() -> flaws().containsKey("tiny-reward 2"));
      assertThat(flaws()).containsOnlyKeys("tiny-reward 2");
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();

      try (FakeTriton again = FakeTriton.startAt(port, entry)) {
        again.parameter("source_7", TinyReward.NAME + "/2");
        Await.until(() -> flaws().isEmpty());
        Await.until(() -> answers(() -> reward.score(version("2"))));
        Await.until(() -> fault(() -> reward.score(version("9"))) == Fault.UNKNOWN_MODEL);
      }
    }
  }

  @Test
  void aServerThatWasSilentFromTheStartIsLookedFor() throws IOException {
    copyTrunk();
    FakeTriton gone = FakeTriton.start(entry);
    gone.close();
    try (FakeTriton first = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward =
          start(
              first,
              List.of(trunkOnly),
              Map.of("triton.targets", first.address() + "," + gone.address()));

      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
      assertThat(flaws()).containsOnlyKeys(TinyReward.NAME);
      assertThat(fault(() -> reward.score(version("2")))).isEqualTo(Fault.DEPENDENCY_DOWN);

      try (FakeTriton late = FakeTriton.startAt(gone.port(), entry)) {
        late.parameter("source_7", TinyReward.NAME + "/2");
        Await.until(() -> flaws().isEmpty());
        Await.until(() -> answers(() -> reward.score(version("2"))));
      }
    }
  }

  @Test
  void aVersionThatWasNeverAskedForIsNamedWhileItsTritonIsAway() throws IOException {
    copyTrunk();
    FakeTriton second = FakeTriton.start(entry);
    second.parameter("source_7", TinyReward.NAME + "/2");
    try (FakeTriton first = FakeTriton.start(entry)) {
      RewardServiceBlockingStub reward =
          start(
              first,
              List.of(trunkOnly),
              Map.of("triton.targets", first.address() + "," + second.address()));
      assertThat(score(reward, TinyReward.NAME).getResults(0).hasValue()).isTrue();
      assertThat(flaws()).isEmpty();

      second.close();
    }

    Await.until(() -> flaws().keySet().containsAll(List.of("tiny-reward 1", "tiny-reward 2")));
  }

  @Test
  void aRefusalEndsWithTheTritonsReturnThoughNobodyAsksAgain() throws IOException {
    FakeTriton gone = FakeTriton.start(entry);
    gone.close();
    RewardServiceBlockingStub reward =
        start(gone, List.of(here), Map.of("default-model", "another"));
    assertThat(fault(() -> score(reward, TinyReward.NAME))).isEqualTo(Fault.DEPENDENCY_DOWN);
    assertThat(flaws()).containsOnlyKeys("another", "tiny-reward 1");

    try (FakeTriton now = FakeTriton.startAt(gone.port(), entry)) {
      Await.until(() -> flaws().isEmpty());
      assertThat(now.priorities()).isEmpty();
    }
  }

  private List<ModelState> states() {
    return servers.getFirst().module().models().getFirst().states();
  }
}
