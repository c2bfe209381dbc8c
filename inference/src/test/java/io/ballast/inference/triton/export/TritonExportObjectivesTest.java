package io.ballast.inference.triton.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.onnx.CompletionScorer;
import io.ballast.inference.onnx.OnnxScorer;
import io.ballast.inference.onnx.ScoreOutcome;
import io.ballast.inference.onnx.ScoreOutcome.Scored;
import io.ballast.inference.onnx.ScoringGroup;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.onnx.TinyFolders;
import io.ballast.inference.triton.ExportedScorer;
import io.ballast.inference.triton.export.TritonExport.Version;
import io.ballast.kserve.v2.DataType;
import io.ballast.kserve.v2.ModelOutput;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An exported ensemble of several objectives tells what each of them says beside the sums. */
class TritonExportObjectivesTest {
  private static final double TOLERANCE = 1e-3;

  @TempDir private Path folder = Path.of(".");
  private Path trunk = Path.of(".");

  @BeforeEach
  void write() throws IOException {
    trunk = TinyFolders.trunk(folder.resolve("trunk"), TinyFolders.GROUPED, 3);
  }

  private Version version(int number, List<Double> weights) throws IOException {
    Path heads = folder.resolve("several").resolve(Integer.toString(number));
    ScoringModelFolder.write(heads, TinyFolders.objectives(trunk, 2, weights, 8, 5), Map.of());
    return new Version(number, heads);
  }

  @Test
  void objectivesAreDeclaredAndScoresAreThoseOfTheEmbeddedRuntime() throws IOException {
    Version version = version(1, List.of(1.0, 0.5, -1.0));
    Path entry =
        new TritonExport(folder.resolve("repository"), ExportOptions.defaults())
            .scoring("several", List.of(version), reference -> trunk);

    assertThat(Exports.config(entry).getOutputList())
        .containsExactly(
            ModelOutput.newBuilder()
                .setName("scores")
                .setDataType(DataType.TYPE_FP32)
                .addDims(2)
                .build(),
            ModelOutput.newBuilder()
                .setName("objectives")
                .setDataType(DataType.TYPE_FP32)
                .addDims(2)
                .addDims(3)
                .build());
    SplittableRandom random = new SplittableRandom(6);
    List<ScoringGroup> groups =
        List.of(
            new ScoringGroup(
                TinyFolders.tokens(random, 9),
                List.of(
                    TinyFolders.tokens(random, 4), TokenIds.of(), TinyFolders.tokens(random, 7))),
            new ScoringGroup(
                TinyFolders.tokens(random, 3), List.of(TinyFolders.tokens(random, 1))));
    try (CompletionScorer exported = ExportedScorer.open(entry, "1", 1);
        CompletionScorer embedded =
            OnnxScorer.open(trunk, version.folder(), folder.resolve("cache"), 1)) {
      assertThat(exported.spec()).isEqualTo(embedded.spec());
      List<List<ScoreOutcome>> expected = embedded.score(groups);
      List<List<ScoreOutcome>> outcomes = exported.score(groups);
      assertThat(outcomes.get(0).get(1)).isEqualTo(expected.get(0).get(1));
      close(outcomes.get(0).get(0), expected.get(0).get(0));
      close(outcomes.get(0).get(2), expected.get(0).get(2));
      close(outcomes.get(1).get(0), expected.get(1).get(0));
    }
  }

  private static void close(ScoreOutcome outcome, ScoreOutcome expected) {
    Scored scored = (Scored) outcome;
    Scored right = (Scored) expected;
    for (int k = 0; k < 2; k++) {
      assertThat(scored.scores().get(k).doubleValue())
          .isCloseTo(right.scores().get(k), within(TOLERANCE));
      for (int o = 0; o < 3; o++) {
        assertThat(scored.objectives().get(k).get(o).doubleValue())
            .isCloseTo(right.objectives().get(k).get(o), within(TOLERANCE));
      }
    }
  }

  @Test
  void versionsOfOtherNumbersOfObjectivesDoNotShareAnEntry() throws IOException {
    List<Version> versions =
        List.of(version(1, List.of(1.0, -1.0)), version(2, List.of(1.0, 1.0, 1.0)));
    assertThatThrownBy(
            () ->
                new TritonExport(folder.resolve("repository"), ExportOptions.defaults())
                    .scoring("several", versions, reference -> trunk))
        .isInstanceOf(ModelException.class)
        .hasMessageStartingWith("several version 2: 2 members, 3 objectives, on a context of 32");
  }
}
