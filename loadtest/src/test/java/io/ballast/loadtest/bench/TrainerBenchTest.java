package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** TRL works as it does best, and is compared only where both sides write as much. */
class TrainerBenchTest {
  @TempDir private Path folder = Path.of("");
  private final List<String> words = new ArrayList<>();

  @Test
  void withoutTrlTheFigureIsUnmeasuredAndAWordSaysWhy() throws IOException {
    List<Figure> figures =
        new TrainerBench(
                folder.resolve("mesh"),
                TinyModel.write(folder.resolve("tiny")),
                folder,
                "no-such-python",
                1,
                () -> {},
                words::add)
            .run();

    assertThat(figures).singleElement().matches(figure -> !figure.holds());
    assertThat(words)
        .singleElement()
        .asString()
        .startsWith("TRL is left out: no-such-python or one of its packages");
  }

  @Test
  void theNumberOfThreadsIsTheFastestOfAllHalves() {
    List<Integer> asked = new ArrayList<>();

    assertThat(
            TrainerBench.fastest(
                12,
                threads -> {
                  asked.add(threads);
                  return threads == 3 ? 20 : 10;
                }))
        .isEqualTo(3);
    assertThat(asked).as("the first warms up").containsExactly(1, 1, 3, 6, 12);
    assertThat(TrainerBench.fastest(1, threads -> 5)).isEqualTo(1);
  }

  @Test
  void ratesAreOfAllTokensAndLengthsOfTheCompletionsSampled() {
    // 2 steps of 4 prompts and 8 completions each
    GrpoWork.Steps steps = new GrpoWork.Steps(2, 3_840, 4);

    assertThat(steps.tokensPerSecond()).isEqualTo(960);
    assertThat(steps.meanTokens()).isEqualTo(60);
  }

  @Test
  void likeLengthsAreCompared() {
    Figure figure =
        TrainerBench.rate(
            "whole step",
            new Goal.RatioAtLeast(2),
            List.of(pair(6_400, 2, 6_272, 5), pair(6_336, 2, 6_400, 5)),
            words::add);

    // 3,200 and 3,168 beside 1,254.4 and 1,280: 2.551 and 2.475
    assertThat(figure.comparison().orElseThrow().ratio()).isCloseTo(2.513, within(1e-3));
    assertThat(figure.holds()).isTrue();
    assertThat(words).isEmpty();
  }

  @Test
  void unlikeLengthsAreNot() {
    Figure figure =
        TrainerBench.rate(
            "whole step",
            new Goal.RatioAtLeast(2),
            List.of(pair(6_400, 2, 5_120, 5), pair(6_400, 2, 5_120, 5)),
            words::add);

    assertThat(figure.holds()).isFalse();
    assertThat(words)
        .containsExactly(
            "whole step: not compared, since completions have 50.0 tokens here and 40.0 there");
  }

  private static Pairs.Pair<GrpoWork.Steps> pair(
      double tokens, double seconds, double theirTokens, double theirSeconds) {
    return new Pairs.Pair<>(
        new GrpoWork.Steps(4, tokens, seconds), new GrpoWork.Steps(4, theirTokens, theirSeconds));
  }

  @Test
  void theTrainerIsToldStepsAndThreadsAndNothingThatTheMeshIsToldAboutMemory() throws IOException {
    Path python = folder.resolve("python");
    Files.writeString(
        python,
        """
        #!/bin/sh
        env > %1$s/environment
        echo '{"ready": "TRL 1"}'
        read line
        echo '{"prepared": true}'
        read line
        echo "$line" > %1$s/asked
        echo '{"seconds": 2, "tokens": 100}'
        """
            .formatted(folder));
    assertThat(python.toFile().setExecutable(true)).isTrue();
    try (PythonPeer trl =
        PythonPeer.start(python.toString(), "trl_peer.py", folder, List.of(), 2).orElseThrow()) {
      trl.prepareTraining(List.of("a"));

      assertThat(trl.train(4, 2)).isEqualTo(new GrpoWork.Steps(4, 100, 2));
      assertThat(folder.resolve("asked")).hasContent("{\"steps\":4,\"threads\":2}");
      assertThat(Files.readAllLines(folder.resolve("environment")))
          .contains("OMP_NUM_THREADS=2")
          .noneMatch(line -> line.startsWith("OPENBLAS_NUM_THREADS"))
          .noneMatch(line -> line.startsWith("OMP_WAIT_POLICY"));
    }
  }
}
