package io.ballast.inference.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.ModelManifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model that no longer says what it said when it was published does not open. */
class GoldenScoresTest {
  private static final List<ScoringGroup> GROUPS =
      List.of(
          new ScoringGroup(TokenIds.of(1, 2, 3), List.of(TokenIds.of(4, 5), TokenIds.of(6))),
          new ScoringGroup(TokenIds.of(7), List.of(TokenIds.of(8, 9, 10))),
          // refused, hence left out
          new ScoringGroup(TokenIds.of(7), List.of(TokenIds.of(4_000))));

  @TempDir private Path folder;
  private Path trunk;
  private Path heads;

  @BeforeEach
  void writeFolders() throws IOException {
    trunk = TinyFolders.trunk(folder.resolve("trunk/1"), TinyFolders.GROUPED, 3);
    heads = folder.resolve("heads/1");
    ScoringModelFolder.write(
        heads,
        TinyFolders.heads(trunk, ScoringKind.REWARD_ENSEMBLE, 2, HeadActivation.TANH, 4),
        Map.of());
  }

  @Test
  void theyAreWrittenReadAndComeOutAgain() throws IOException {
    GoldenScores golden = keep(1e-4);
    assertThat(golden.items()).hasSize(3);
    assertThat(GoldenScores.read(heads)).contains(golden);
    try (OnnxScorer scorer = open()) {
      assertThat(scorer.spec().heads()).isEqualTo(2);
    }
  }

  @Test
  void aScoreThatIsOffByMoreThanTheToleranceIsNamed() throws IOException {
    GoldenScores golden = keep(1e-4);
    GoldenScores.Item second = golden.items().get(1);
    float off = second.scores().get(1) + 0.001f;
    new GoldenScores(
            1e-4,
            List.of(
                golden.items().getFirst(),
                new GoldenScores.Item(
                    second.prompt(),
                    second.completion(),
                    List.of(second.scores().getFirst(), off))))
        .write(heads);
    ModelManifest.write(heads, Map.of());
    assertThatThrownBy(this::open)
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BROKEN))
        .hasMessageContaining("golden.json: items[1]: member 1 scores ")
        .hasMessageContaining("(expected: " + off + " ± 1.0E-4)");
  }

  @Test
  void anItemThatIsRefusedNowIsNoScore() throws IOException {
    keep(1e-4);
    new GoldenScores(
            1, List.of(new GoldenScores.Item(TokenIds.of(1), TokenIds.of(4_000), List.of(0f, 0f))))
        .write(heads);
    ModelManifest.write(heads, Map.of());
    assertThatThrownBy(this::open).hasMessageContaining("golden.json: items[0]: INVALID_TOKEN");
  }

  @Test
  void aSpoiledFileIsNamed() throws IOException {
    for (String spoiled :
        List.of(
            "{",
            "{}",
            "{\"tolerance\": 1, \"items\": []}",
            "{\"tolerance\": 1, \"items\": [{\"prompt\": [\"a\"], \"completion\": [1], \"scores\": [1]}]}")) {
      Files.writeString(heads.resolve(GoldenScores.FILE), spoiled);
      ModelManifest.write(heads, Map.of());
      assertThatThrownBy(this::open)
          .isInstanceOfSatisfying(
              ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
          .hasMessageContaining("golden.json");
    }
  }

  private GoldenScores keep(double tolerance) throws IOException {
    GoldenScores golden;
    try (OnnxScorer scorer = open()) {
      golden = GoldenScores.of(scorer, GROUPS, tolerance);
    }
    golden.write(heads);
    ModelManifest.write(heads, Map.of());
    return golden;
  }

  private OnnxScorer open() {
    return OnnxScorer.open(trunk, heads, folder.resolve("cache"), 1);
  }
}
