package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Any;
import com.google.rpc.RetryInfo;
import io.ballast.policy.testing.FakeSafetyServer;
import io.ballast.policy.testing.SwitchableDatabase;
import io.ballast.policy.testing.TestDatabase;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.Degradation;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.safety.v1.GateOutcome;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.micrometer.core.instrument.Counter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** docs/operations/degraded.md says of each mode what is answered, and that is answered. */
class DegradedModesTest {
  private static final Path PAGE = Path.of("..", "docs", "operations", "degraded.md");
  private static final String COLUMNS = "| Away | Set | Answer |";

  @TempDir Path folder;

  private final SwitchableDatabase database = new SwitchableDatabase(TestDatabase.create());

  /** A row of the page's table. */
  record Mode(
      List<String> away,
      List<String> set,
      String answer,
      String reason,
      List<String> degradations) {
    static Mode of(String row) {
      String[] cells = row.replace("`", "").split("\\|", -1);
      return new Mode(
          words(cells[1]), words(cells[2]), cells[3].strip(), cells[4].strip(), words(cells[5]));
    }

    private static List<String> words(String cell) {
      return Arrays.stream(cell.split(",")).map(String::strip).filter(w -> !w.isEmpty()).toList();
    }
  }

  static Stream<Mode> modes() throws IOException {
    List<Mode> modes =
        Files.readAllLines(PAGE).stream()
            .dropWhile(line -> !line.startsWith(COLUMNS))
            .skip(2)
            .takeWhile(line -> line.startsWith("|"))
            .map(Mode::of)
            .toList();
    assertThat(modes).hasSizeGreaterThanOrEqualTo(16);
    return modes.stream();
  }

  @ParameterizedTest
  @MethodSource("modes")
  void whatIsAwayIsSaid(Mode mode) {
    Map<String, String> properties = new HashMap<>();
    mode.set()
        .forEach(one -> properties.put("ballast.policy." + one.split("=")[0], one.split("=")[1]));
    try (TestMesh mesh = TestMesh.startOn(database, properties, folder)) {
      mode.away().forEach(who -> takeAway(who, mesh));
      if (mode.answer().equals("UNAVAILABLE")) {
        assertUnavailable(() -> suggest(mesh));
        return;
      }
      SuggestResponse answer = suggest(mesh);
      assertThat(answer.getDecision()).hasToString("DECISION_" + mode.answer());
      assertThat(answer.getReason()).hasToString("DECISION_REASON_" + mode.reason());
      assertThat(answer.getDegradationsList())
          .extracting(Degradation::getPeer)
          .isEqualTo(mode.degradations());
      assertThat(answer.getDegradationsList())
          .allSatisfy(one -> assertThat(one.getMessage()).isNotEmpty());
      assertThat(answer.getReward().hasValue())
          .as("a reward, which is never made up")
          .isEqualTo(answer.hasReward() && has(mode, "reward", "reward-server"));
      assertThat(answer.getCost().hasHarmProbability())
          .as("a cost, which is never made up")
          .isEqualTo(answer.hasCost() && has(mode, "cost", "safety-server"));
      assertThat(answer.getText().isEmpty()).isEqualTo(!mode.answer().equals("SHOW"));
      assertCounted(mesh, answer);
      if (!mode.away().contains("database")) {
        assertThat(recorded(mesh, answer)).isEqualTo(answer.getDegradationsList());
      }
    }
  }

  private static boolean has(Mode mode, String part, String peer) {
    return !mode.away().contains(part) && !mode.away().contains(peer);
  }

  private static void assertCounted(TestMesh mesh, SuggestResponse answer) {
    for (String peer : List.of("reward-server", "safety-server", "database")) {
      double counted =
          mesh.meters.get("ballast.policy.degradations").tag("peer", peer).counters().stream()
              .mapToDouble(Counter::count)
              .sum();
      assertThat(counted)
          .as(peer)
          .isEqualTo(
              answer.getDegradationsList().stream()
                  .filter(one -> one.getPeer().equals(peer))
                  .count());
    }
  }

  private static List<Degradation> recorded(TestMesh mesh, SuggestResponse answer) {
    return mesh.feedback()
        .getSuggestion(
            GetSuggestionRequest.newBuilder().setSuggestionId(answer.getSuggestionId()).build())
        .getSuggestion()
        .getResponse()
        .getDegradationsList();
  }

  @Test
  void feedbackIsRefusedWithTheTimeToComeBackUnlessItIsToWait() {
    try (TestMesh mesh = TestMesh.startOn(database, Map.of(), folder)) {
      String suggestion = suggest(mesh).getSuggestionId();
      database.stop();
      RetryInfo retry = assertUnavailable(() -> accept(mesh, suggestion));
      assertThat(retry.getRetryDelay().getSeconds() + retry.getRetryDelay().getNanos())
          .isPositive();
    }
  }

  private void takeAway(String who, TestMesh mesh) {
    switch (who) {
      case "reward-server" -> mesh.rewards.down = true;
      case "safety-server" -> mesh.safety.down = true;
      case "reward" -> mesh.rewards.late = completion -> true;
      case "cost" -> mesh.safety.late = completion -> true;
      case "gate" ->
          mesh.safety.stageOne =
              FakeSafetyServer.answer(GateOutcome.GATE_OUTCOME_PASS, Double.NaN, 1);
      case "database" -> database.stop();
      default -> throw new AssertionError(who);
    }
  }

  private static SuggestResponse suggest(TestMesh mesh) {
    return mesh.policy()
        .suggest(
            SuggestRequest.newBuilder()
                .setPrompt("int ")
                .setWithReward(true)
                .setWithCost(true)
                .build());
  }

  private static void accept(TestMesh mesh, String suggestion) {
    var unused =
        mesh.feedback()
            .recordFeedback(
                RecordFeedbackRequest.newBuilder()
                    .setMetadata(TestMesh.metadata("", "key"))
                    .setEvent(
                        FeedbackEvent.newBuilder()
                            .setSuggestionId(suggestion)
                            .setAccepted(Accepted.getDefaultInstance()))
                    .build());
  }

  /** Returns when to come back. */
  private static RetryInfo assertUnavailable(Runnable call) {
    RetryInfo[] found = new RetryInfo[1];
    assertThatThrownBy(call::run)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
              com.google.rpc.Status status = Objects.requireNonNull(StatusProto.fromThrowable(e));
              Any detail =
                  status.getDetailsList().stream()
                      .filter(one -> one.is(RetryInfo.class))
                      .findFirst()
                      .orElseThrow();
              found[0] = unpack(detail);
            });
    return found[0];
  }

  private static RetryInfo unpack(Any detail) {
    try {
      return detail.unpack(RetryInfo.class);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
