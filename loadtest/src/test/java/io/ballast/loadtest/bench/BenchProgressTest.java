package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.loadtest.bench.BenchProgress.Part;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The bar is weighted by what parts take, and its guess of what is left learns from the clock. */
class BenchProgressTest {
  private static final Part SHORT = new Part("short", 2, 5);
  private static final Part LONG = new Part("long", 1, 30);

  private final StringWriter text = new StringWriter();
  private final long[] seconds = new long[1];

  private BenchProgress progress(boolean terminal) {
    return new BenchProgress(
        new PrintWriter(text), terminal, () -> seconds[0] * 1_000_000_000L, List.of(SHORT, LONG));
  }

  @Test
  void aTerminalSeesEachStep() {
    BenchProgress progress = progress(true);
    Runnable step = progress.begin(SHORT);
    seconds[0] = 10; // twice what the first step usually takes
    step.run();

    // 5 of 40 s are done; left: 7/8 of what is usual, 35 s, and 1/8 of 10 s · 7
    assertThat(text.toString())
        .startsWith(
            "\r[························]   0 % · short 0 of 2 · 0:00 gone, about 0:40 left")
        .contains("\r[███·····················]  13 % · short 1 of 2 · 0:10 gone, about 0:39 left")
        .doesNotContain("\n");
  }

  @Test
  void aLogSeesEachPart() {
    BenchProgress progress = progress(false);
    Runnable step = progress.begin(SHORT);
    step.run();
    seconds[0] = 20;
    step.run();
    progress.begin(LONG).run();

    assertThat(text.toString().lines())
        .containsExactly(
            // 10 of 40 s; left: 3/4 of 30 s and 1/4 of 60 s
            "[██████··················]  25 % · short 2 of 2 · 0:20 gone, about 0:38 left",
            "[████████████████████████] 100 % · long 1 of 1 · 0:20 gone, about 0:00 left");
  }
}
