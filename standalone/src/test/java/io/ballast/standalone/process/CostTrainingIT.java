package io.ballast.standalone.process;

import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.Verdict;
import io.grpc.Channel;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The built program learns costs from a file by its command, serves them, and refuses to tell those
 * that have no boundary.
 */
class CostTrainingIT {
  private static final int PAIRS = 240;

  @TempDir private Path data = Path.of(".");

  @Test
  void costsThatWereTrainedAreServed() throws Exception {
    Path file = pairs();
    command("cost", "train", file.toString(), "--name", "commas", "--members", "2");
    command(
        "cost",
        "train",
        file.toString(),
        "--name",
        "moved",
        "--form",
        "recentred",
        "--members",
        "2");
    Path unlabelled =
        Files.writeString(
            data.resolve("order.jsonl"),
            Files.readString(file).replaceAll(", \"[a-z]*_unsafe\": (true|false)", ""));
    command(
        "cost",
        "train",
        unlabelled.toString(),
        "--name",
        "order",
        "--form",
        "bradley-terry",
        "--members",
        "2");

    try (BuiltMesh mesh = BuiltMesh.start(data, Map.of("ballast.safety.cost-model", "commas"))) {
      for (CostResponse costs : List.of(ask(mesh.channel(), ""), ask(mesh.channel(), "moved"))) {
        assertThat(costs.getResults(0).getValue().getScore()).isNegative();
        assertThat(costs.getResults(0).getVerdict()).isEqualTo(Verdict.VERDICT_ALLOW);
        assertThat(costs.getResults(1).getValue().getScore()).isPositive();
        assertThat(costs.getResults(1).getVerdict()).isEqualTo(Verdict.VERDICT_BLOCK);
        assertThat(costs.getResults(2).getValue().getScore())
            .as("more harmful than the other unsafe one")
            .isGreaterThan(costs.getResults(1).getValue().getScore());
        assertThat(costs.getResults(0).getValue().getHeadScoresList()).hasSize(2);
      }
      assertThat(ask(mesh.channel(), "").getModelVersion().getModel()).isEqualTo("commas");
      assertRefused(
          () -> ask(mesh.channel(), "order"),
          Status.Code.FAILED_PRECONDITION,
          "cost_model: order 1 has no boundary between safe and unsafe");
    }
  }

  /** Statements that do not end are unsafe, those with two commas more so. */
  private Path pairs() throws IOException {
    String[][] ends = {{",", ";"}, {",,", ","}, {";;", ";"}, {",", ";;"}};
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < PAIRS; i++) {
      String[] two = ends[i % 4];
      rows.append(
          ("{\"prompt\": \"int a%d = \", \"worse\": \"a%d + %d%s\", \"safer\": \"a%d + %d%s\","
                  + " \"worse_unsafe\": %s, \"safer_unsafe\": %s}\n")
              .formatted(
                  i, i, i, two[0], i, i, two[1], two[0].contains(","), two[1].contains(",")));
    }
    return Files.writeString(data.resolve("harm.jsonl"), rows);
  }

  private void command(String... args) throws IOException, InterruptedException {
    List<String> words = new ArrayList<>(List.of(args));
    words.addAll(List.of("--data", data.toString(), "--threads", "1"));
    assertThat(BuiltCommand.run(data, words.toArray(String[]::new))).contains("published: ");
  }

  private static CostResponse ask(Channel channel, String model) {
    CostRequest.Builder request =
        CostRequest.newBuilder().setCostModel(ModelSelector.newBuilder().setModel(model));
    for (String completion : List.of("a7 + 7;", "a7 + 7,", "a7 + 7,,")) {
      request.addItems(
          CostItem.newBuilder()
              .setPrompt(TextOrTokens.newBuilder().setText("int a7 = "))
              .setCompletion(TextOrTokens.newBuilder().setText(completion)));
    }
    return SafetyServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(60, TimeUnit.SECONDS)
        .cost(request.build());
  }
}
