package io.ballast.standalone.experiment.ensembles;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.TokenIds;
import io.ballast.training.scoring.JudgedGroup.Preference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Equal completions are read once and count as often as they were drawn. */
class DrawnPoolTest {
  private static final TokenIds A = TokenIds.of(1, 2);
  private static final TokenIds B = TokenIds.of(3);
  private static final DrawnPool POOL =
      new DrawnPool("artefact/A.java", TokenIds.of(7, 8), List.of(A, B, A), List.of(4, 0, 4));

  @TempDir Path folder;

  @Test
  void scoresOfDistinctCompletionsAreSpreadOverAll() {
    assertThat(POOL.distinct().completions()).containsExactly(A, B);
    ScoredPool scored = POOL.scored(new double[][] {{0.5, -1}, {2, 3}});
    assertThat(scored.members()[0]).containsExactly(0.5, -1, 0.5);
    assertThat(scored.members()[1]).containsExactly(2, 3, 2);
    assertThat(scored.gold()).containsExactly(4, 0, 4);
  }

  @Test
  void ofTwoCompletionsTheOneThatIsKeptLongerIsBetter() {
    assertThat(POOL.judged().preferences())
        .containsExactly(new Preference(0, 1, 0, 1), new Preference(2, 1, 0, 1));
  }

  @Test
  void whatWasDrawnIsTakenUpAgainUnderItsOwnKeyAlone() throws IOException {
    Path file = folder.resolve("pools.bin");
    assertThat(DrawnPool.read("key", file)).isEmpty();
    DrawnPool.write(List.of(POOL, POOL), "key", file);
    assertThat(DrawnPool.read("key", file)).contains(List.of(POOL, POOL));
    assertThat(DrawnPool.read("another", file)).isEmpty();
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length - 3));
    assertThat(DrawnPool.read("key", file)).isEmpty();
  }
}
