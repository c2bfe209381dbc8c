package io.ballast.safety;

import static io.ballast.safety.testing.FakeCostModels.HARMFUL;
import static io.ballast.safety.testing.FakeCostModels.HARMLESS;
import static io.ballast.safety.testing.FakeCostModels.harmlessToTwo;
import static io.ballast.safety.testing.TestSafety.item;
import static io.ballast.testing.Refusals.assertFails;
import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.kit.error.Fault;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.PromptCut;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.mesh.v1.Truncation;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.Verdict;
import io.grpc.Status;
import java.util.Collections;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Cost gives each completion a cost or a typed failure, and a verdict whatever comes. */
class CostTest {
  private TestSafety mesh = TestSafety.start(Map.of());

  @BeforeEach
  void nothingWaits() {
    assertThat(mesh.waitingTokens()).isZero();
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void theHighestHeadCounts() {
    CostResponse response = cost(item("safe", "p", "ok"), item("harm", "p", "H"));

    CostResult safe = response.getResults(0);
    assertThat(safe.getItemId()).isEqualTo("safe");
    assertThat(safe.getValue().getHeadScoresList()).containsExactly(-6.0, -4.0, -5.0);
    assertThat(safe.getValue().getScore()).isEqualTo(-4);
    assertThat(safe.getValue().getHarmProbability()).isCloseTo(HARMLESS, within(1e-12));
    assertThat(safe.getVerdict()).isEqualTo(Verdict.VERDICT_ALLOW);
    assertThat(response.getResults(1).getValue().getHarmProbability())
        .isCloseTo(HARMFUL, within(1e-12));
    assertThat(response.getResults(1).getVerdict()).isEqualTo(Verdict.VERDICT_BLOCK);
    assertThat(response.getThreshold()).isEqualTo(0.5);
    assertThat(response.getModelVersion().getVersion()).isEqualTo("1");
    assertThat(response.getModelVersion().getWeightsSha256()).isEqualTo("1".repeat(64));
    assertThat(response.getTiming().hasTotalDuration()).isTrue();
  }

  @Test
  void aPromptThatIsTooLongIsBlockedUnlessTheCallerHasItCut() {
    CostRequest request = request(item("", "x" + "p".repeat(96), "ok"));

    CostResponse refused = mesh.safety().cost(request);
    CostResult cut =
        mesh.safety()
            .cost(request.toBuilder().setTruncation(Truncation.TRUNCATION_KEEP_LAST).build())
            .getResults(0);

    assertFailure(
        refused,
        0,
        FailureReason.FAILURE_REASON_TOO_LONG,
        "items[0].prompt: 97 tokens, limit 96; truncation KEEP_LAST or KEEP_FIRST would cut it");
    assertThat(refused.getResults(0).getVerdict()).isEqualTo(Verdict.VERDICT_BLOCK);
    assertThat(cut.getVerdict()).isEqualTo(Verdict.VERDICT_ALLOW);
    assertThat(cut.getPromptCut())
        .isEqualTo(
            PromptCut.newBuilder()
                .setTruncation(Truncation.TRUNCATION_KEEP_LAST)
                .setDroppedTokens(1)
                .setPromptTokens(97)
                .build());
  }

  @Test
  void aModelWithoutABoundaryHasNoCostsToTell() {
    assertFails(
        () ->
            mesh.safety()
                .cost(
                    request(item("", "p", "ok")).toBuilder()
                        .setCostModel(ModelSelector.newBuilder().setModel("ordered"))
                        .build()),
        Status.Code.FAILED_PRECONDITION,
        Fault.PRECONDITION_FAILED,
        "cost_model: ordered 1 has no boundary between safe and unsafe: it learned from pairs"
            + " without safety labels, so that neither a probability of harm nor a cost of 0 means"
            + " anything (expected: a cost trained with labels)");
    assertThat(mesh.costModels.batches).isEmpty();
  }

  @Test
  void aCostAtTheThresholdIsBlocked() {
    double harm = cost(item("", "p", "ok")).getResults(0).getValue().getHarmProbability();
    CostResponse at =
        mesh.safety().cost(request(item("", "p", "ok")).toBuilder().setThreshold(harm).build());
    CostResponse above =
        mesh.safety()
            .cost(request(item("", "p", "ok")).toBuilder().setThreshold(Math.nextUp(harm)).build());

    assertThat(at.getResults(0).getVerdict()).isEqualTo(Verdict.VERDICT_BLOCK);
    assertThat(above.getResults(0).getVerdict()).isEqualTo(Verdict.VERDICT_ALLOW);
  }

  @Test
  void whatHasNoCostIsBlockedAndFailsAlone() {
    CostResponse response =
        mesh.safety()
            .cost(
                request(
                        item("", "p", "N"),
                        item("", "p", "X"),
                        item("", "p", ""),
                        item("", "p", "x".repeat(65_537)),
                        CostItem.newBuilder().setPrompt(TestSafety.text("p")).build(),
                        CostItem.newBuilder()
                            .setPrompt(TestSafety.text("p"))
                            .setCompletion(
                                TestSafety.text("").toBuilder()
                                    .setTokens(TokenSequence.newBuilder().addTokenIds(-1)))
                            .build(),
                        item("", "p", "ok"))
                    .toBuilder()
                    .setThreshold(1)
                    .build());

    assertFailure(
        response,
        0,
        FailureReason.FAILURE_REASON_MODEL_ERROR,
        "java-cost: head 2: score NaN (expected: finite)");
    assertFailure(response, 1, FailureReason.FAILURE_REASON_TOO_LONG, "999 tokens");
    assertFailure(
        response, 2, FailureReason.FAILURE_REASON_INVALID_INPUT, "items[2].completion: empty");
    assertFailure(
        response,
        3,
        FailureReason.FAILURE_REASON_TOO_LONG,
        "items[3].completion: 65,537 bytes, limit 65,536");
    assertFailure(
        response, 4, FailureReason.FAILURE_REASON_INVALID_INPUT, "items[4].completion: absent");
    assertFailure(
        response,
        5,
        FailureReason.FAILURE_REASON_INVALID_INPUT,
        "items[5].completion.token_ids[0]: -1 (expected: 0 to 65,535)");
    assertThat(response.getResults(6).getVerdict()).isEqualTo(Verdict.VERDICT_ALLOW);
  }

  @Test
  void anEngineThatThrowsIsAModelErrorOfTheItemsOfItsBatch() {
    assertFailure(
        cost(item("", "p", "T")),
        0,
        FailureReason.FAILURE_REASON_MODEL_ERROR,
        "java-cost 1 failed: out of memory");
    assertThat(cost(item("", "p", "ok")).getResults(0).hasValue()).isTrue();
  }

  @Test
  void versionsServeSideBySide() {
    CostRequest asked = request(item("", "p", "ok"));

    assertThat(harm(asked, ModelSelector.newBuilder().setVersion("2"), "2"))
        .isCloseTo(harmlessToTwo("ok"), within(1e-12));
    assertThat(harm(asked, ModelSelector.newBuilder().setAlias("serving"), "1"))
        .isCloseTo(HARMLESS, within(1e-12));
    assertThat(harm(asked, ModelSelector.newBuilder().setModel("copied"), "9"))
        .isCloseTo(HARMLESS, within(1e-12));
  }

  @Test
  void aModelThatCameLaterIsFound() {
    CostRequest asked =
        request(item("", "p", "ok")).toBuilder()
            .setCostModel(ModelSelector.newBuilder().setModel("later"))
            .build();
    assertRefused(
        () -> mesh.safety().cost(asked),
        Status.Code.NOT_FOUND,
        "cost_model.model: 'later': there is no cost model of this name");

    mesh.costModels.laterIsThere = true;

    assertThat(mesh.safety().cost(asked).getResults(0).hasValue()).isTrue();
  }

  @Test
  void wrongRequestsAreNamed() {
    assertRefused(
        () -> mesh.safety().cost(request()),
        Status.Code.INVALID_ARGUMENT,
        "items: 0 items (expected: 1 to 4,096)");
    assertRefused(
        () ->
            mesh.safety()
                .cost(
                    CostRequest.newBuilder()
                        .addAllItems(Collections.nCopies(4_097, item("", "p", "a")))
                        .build()),
        Status.Code.INVALID_ARGUMENT,
        "items: 4,097 items");
    assertRefused(
        () -> mesh.safety().cost(request(item("a", "p", "a"), item("a", "p", "b"))),
        Status.Code.INVALID_ARGUMENT,
        "items[1].item_id: 'a' is another item's too");
    assertRefused(
        () -> mesh.safety().cost(request(item("i".repeat(129), "p", "a"))),
        Status.Code.INVALID_ARGUMENT,
        "items[0].item_id: 129 characters");
    for (double threshold : new double[] {-0.1, 1.1, Double.NaN}) {
      assertRefused(
          () ->
              mesh.safety()
                  .cost(request(item("", "p", "a")).toBuilder().setThreshold(threshold).build()),
          Status.Code.INVALID_ARGUMENT,
          "threshold: " + threshold + " (expected: 0 to 1)");
    }
    assertUnknown(
        ModelSelector.newBuilder().setVersion("7"),
        Status.Code.NOT_FOUND,
        "cost_model.version: '7': java-cost has no such version");
    assertUnknown(
        ModelSelector.newBuilder().setAlias("previous"),
        Status.Code.NOT_FOUND,
        "cost_model.alias: 'previous'");
    assertUnknown(
        ModelSelector.newBuilder().setVersion("3"), Status.Code.DATA_LOSS, "SHA-256 differs");
  }

  @Test
  void aDeadlineThatIsNearGivesTypedFailuresInTime() {
    mesh.close();
    mesh = TestSafety.start(Map.of("deadline-reserve", "PT1S"));
    mesh.costModels.hold();

    CostResponse response =
        mesh.safety()
            .withDeadlineAfter(2, TimeUnit.SECONDS)
            .cost(request(item("", "p", "ok"), item("", "p", "")));

    assertFailure(response, 0, FailureReason.FAILURE_REASON_DEADLINE, "no answer after");
    assertFailure(response, 1, FailureReason.FAILURE_REASON_INVALID_INPUT, "empty");
  }

  @Test
  void whatACallerNoLongerWaitsForIsNotJudged() throws Exception {
    mesh.costModels.hold();
    var first = mesh.safetyAsync().cost(request(item("", "p", "1")));
    mesh.costModels.awaitHeld();
    var second = mesh.safetyAsync().cost(request(item("", "gone", "1")));
    awaitWaiting(5);
    second.cancel(true);
    awaitWaiting(0);

    mesh.costModels.release();
    assertThat(first.get().getResults(0).hasValue()).isTrue();
    cost(item("", "after", "1"));
    assertThat(mesh.costModels.batches)
        .allSatisfy(
            batch ->
                assertThat(batch)
                    .noneSatisfy(group -> assertThat(group.key().size()).isEqualTo(4)));
  }

  @Test
  void callersShareABatchAndAPrompt() throws Exception {
    mesh.costModels.hold();
    var held = mesh.safetyAsync().cost(request(item("", "h", "1")));
    mesh.costModels.awaitHeld();
    var one = mesh.safetyAsync().cost(request(item("", "p", "1")));
    var two = mesh.safetyAsync().cost(request(item("", "p", "H")));
    awaitWaiting(4);
    mesh.costModels.release();

    held.get();
    assertThat(one.get().getResults(0).getVerdict()).isEqualTo(Verdict.VERDICT_ALLOW);
    assertThat(two.get().getResults(0).getVerdict()).isEqualTo(Verdict.VERDICT_BLOCK);
    assertThat(mesh.costModels.batches).hasSize(2);
    assertThat(mesh.costModels.batches.get(1)).hasSize(1);
  }

  @Test
  void aFullQueueRefusesAtOnce() throws Exception {
    mesh.close();
    mesh = TestSafety.start(Map.of("queued-tokens", "3", "batch-tokens", "1"));
    mesh.costModels.hold();
    var held = mesh.safetyAsync().cost(request(item("", "h", "1")));
    mesh.costModels.awaitHeld();
    var waiting = mesh.safetyAsync().cost(request(item("", "w", "1")));
    awaitWaiting(2);

    assertRefused(
        () -> mesh.safety().cost(request(item("", "m", "1"))),
        Status.Code.RESOURCE_EXHAUSTED,
        "java-cost 1 is busy: 2 tokens wait, limit 3");
    mesh.costModels.release();
    held.get();
    waiting.get();
  }

  private double harm(CostRequest asked, ModelSelector.Builder selector, String version) {
    CostResponse response = mesh.safety().cost(asked.toBuilder().setCostModel(selector).build());
    assertThat(response.getModelVersion().getVersion()).isEqualTo(version);
    return response.getResults(0).getValue().getHarmProbability();
  }

  private void assertUnknown(ModelSelector.Builder selector, Status.Code code, String words) {
    assertRefused(
        () ->
            mesh.safety()
                .cost(request(item("", "p", "a")).toBuilder().setCostModel(selector).build()),
        code,
        words);
  }

  private static void assertFailure(
      CostResponse response, int index, FailureReason reason, String words) {
    CostResult result = response.getResults(index);
    assertThat(result.getFailure().getMessage()).contains(words);
    assertThat(result.getFailure().getReason()).isEqualTo(reason);
    assertThat(result.getVerdict()).isEqualTo(Verdict.VERDICT_BLOCK);
  }

  private CostResponse cost(CostItem... items) {
    return mesh.safety().cost(request(items));
  }

  private static CostRequest request(CostItem... items) {
    return CostRequest.newBuilder().addAllItems(java.util.List.of(items)).build();
  }

  private void awaitWaiting(int tokens) {
    while (mesh.waitingTokens() != tokens) {
      Thread.onSpinWait();
    }
  }
}
