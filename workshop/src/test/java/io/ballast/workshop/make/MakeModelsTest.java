package io.ballast.workshop.make;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoringKind;
import io.ballast.safety.adapter.GateModelFolder;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.workshop.collect.TinyCorpus;
import io.ballast.workshop.collect.TinyDecoder;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One command makes every model that a mesh needs, and goes on where it stopped. */
class MakeModelsTest {
  @TempDir Path folder;

  @Test
  void everyModelIsMadeLoadsAndIsKept() throws IOException {
    String text = TinyCorpus.write(folder.resolve("corpus"), 240, 3);
    Path decoder = TinyDecoder.write(folder.resolve("models/java-tiny/1"), text);
    String first = make();

    for (String name : List.of("java-reward/1", "java-cost/1", "java-cost/2")) {
      try (OnnxScorer scorer =
          OnnxScorer.open(
              decoder, folder.resolve("models").resolve(name), folder.resolve("onnx"), 1)) {
        assertThat(scorer.spec().kind())
            .isEqualTo(name.contains("cost") ? ScoringKind.COST : ScoringKind.REWARD_ENSEMBLE);
        assertThat(scorer.spec().heads()).isEqualTo(name.contains("cost") ? 3 : 5);
      }
    }
    for (String name : List.of("java-gate-context", "java-gate-suggestion")) {
      try (AcceptModel gate =
          GateModelFolder.open(folder.resolve("models").resolve(name + "/1"), name, "1")) {
        assertThat(gate.spec().heldOut()).containsKey("auc");
      }
      assertThat(Files.readString(folder.resolve("models/" + name + "/1/MODEL_CARD.md")))
          .contains("Make it again: `./mesh pretrain all --positions 300");
    }
    assertThat(first).contains("> collect", "--part TEST_COST_LABELS", "> train-gate");
    // other labels: the safety test's costs are not those that a run optimises
    assertThat(folder.resolve("models/java-cost/2/model.safetensors")).isNotEmptyFile();
    assertThat(
            Files.mismatch(
                folder.resolve("models/java-cost/1/model.safetensors"),
                folder.resolve("models/java-cost/2/model.safetensors")))
        .isNotNegative();

    String second = make();
    assertThat(second).doesNotContain("> ").contains("java-reward/1 is there");
  }

  private String make() {
    StringWriter out = new StringWriter();
    int code =
        WorkshopCommands.pretrain(() -> 0)
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(out))
            .execute(
                "all",
                "--models",
                folder.resolve("models").toString(),
                "--corpus",
                folder.resolve("corpus").toString(),
                "--work",
                folder.resolve("work").toString(),
                "--positions",
                "300",
                "--samples",
                "3",
                "--epochs",
                "2");
    assertThat(code).as(out.toString()).isZero();
    return out.toString();
  }
}
