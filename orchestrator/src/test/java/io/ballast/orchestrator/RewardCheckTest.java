package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.orchestrator.testing.FakeFaults;
import io.ballast.orchestrator.testing.FakeRewardServer;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.reward.v1.ScoreResult;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A run that could never have a reward is not begun; one whose reward is late is. */
class RewardCheckTest {
  private static final String GOLDEN = "watch: {gold: {model: gold, version: 1}}";

  @TempDir private Path root = Path.of(".");
  private TestMesh mesh;

  @BeforeEach
  void start() {
    mesh = TestMesh.start(root);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "INVALID_ARGUMENT    | MALFORMED_REQUEST   | aggregation: given (expected: absent) | reward.aggregation: given (expected: absent)",
        "INVALID_ARGUMENT    | MALFORMED_REQUEST   | something else                        | reward: something else",
        "NOT_FOUND           | UNKNOWN_MODEL       | no version 9 of mix                   | reward: reward-server: no version 9 of mix",
        "FAILED_PRECONDITION | PRECONDITION_FAILED | unit tests are off                    | reward: reward-server: unit tests are off",
        "DATA_LOSS           | CORRUPT_WEIGHTS     | other weights                         | reward: reward-server: other weights",
      })
  void whatNoWaitingMendsIsRefusedByItsPath(
      Status.Code code, String reason, String words, String message) {
    mesh.rewards.check =
        model -> {
          throw FakeFaults.of(code.toStatus(), reason, words);
        };

    assertRefused("", code, message);
  }

  @Test
  void aRewardThatNeedsMoreThanARunHasIsRefused() {
    mesh.rewards.check = model -> failed(FailureReason.FAILURE_REASON_INVALID_INPUT);

    assertRefused(
        "reward: {model: mix, version: 2, aggregation: NONE}",
        Status.Code.INVALID_ARGUMENT,
        "reward: mix/2 cannot reward a completion of a run: component 'answer': absent");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "reward: {model: mix, version: 2} | reward.aggregation: WORST_CASE (expected: NONE; mix is a composite)",
        "reward: {model: mix, version: 2, aggregation: MEDIAN} | reward.aggregation: MEDIAN (expected: NONE; mix is a composite)",
        "watch: {gold: {model: mix, version: 2}} | watch.gold.aggregation: MEAN (expected: NONE; mix is a composite)",
        "reward: {aggregation: NONE} | reward.aggregation: NONE (expected: how its members become one reward, such as WORST_CASE; java-reward/1 is an ensemble)",
        "watch: {gold: {model: gold, version: 1, aggregation: NONE}} | watch.gold.aggregation: NONE (expected: how its members become one reward, such as WORST_CASE; gold/1 is an ensemble)",
        "reward: {model: mix, version: 2, aggregation: NONE} | stop.spread_growth: 1000.0 (expected: absent; mix/2 tells no spread of members)",
      })
  void whatIsOfNoUseToTheRewardIsRefused(String more, String message) {
    assertRefused(more, Status.Code.INVALID_ARGUMENT, message);
  }

  @Test
  void goldIsAskedForToo() {
    mesh.rewards.check =
        model -> {
          if (model.equals(FakeRewardServer.GOLD)) {
            throw FakeFaults.of(Status.NOT_FOUND, "UNKNOWN_MODEL", "no model gold");
          }
          return ScoreResult.newBuilder().setValue(1).setSpread(0.2).build();
        };

    assertRefused(GOLDEN, Status.Code.NOT_FOUND, "watch.gold: reward-server: no model gold");
  }

  @ParameterizedTest
  @EnumSource(
      value = FailureReason.class,
      names = {
        "FAILURE_REASON_DEADLINE",
        "FAILURE_REASON_OVERLOADED",
        "FAILURE_REASON_MODEL_ERROR"
      })
  void whatFailsNowMayComeLater(FailureReason reason) {
    mesh.rewards.check = model -> failed(reason);

    assertBegins();
  }

  @Test
  void aServerThatIsBusyIsWaitedForByTheRun() {
    mesh.rewards.check =
        model -> {
          throw FakeFaults.busy(7);
        };

    assertBegins();
  }

  @Test
  void aServerThatIsAwayIsWaitedForByTheRun() {
    mesh.rewards.check =
        model -> {
          throw Status.UNAVAILABLE.asRuntimeException();
        };

    assertBegins();
  }

  private void assertBegins() {
    String runId = mesh.create(TestSpecs.spec("begun", GOLDEN)).getRunId();

    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
  }

  private void assertRefused(String more, Status.Code code, String message) {
    assertThatThrownBy(() -> mesh.create(TestSpecs.spec("refused", more)))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(code);
              assertThat(e.getStatus().getDescription()).isEqualTo(message);
            });
    assertThat(mesh.runs().listRuns(ListRunsRequest.getDefaultInstance()).getRunsList()).isEmpty();
  }

  private static ScoreResult failed(FailureReason reason) {
    return ScoreResult.newBuilder()
        .setFailure(
            ItemFailure.newBuilder().setReason(reason).setMessage("component 'answer': absent"))
        .build();
  }
}
