package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.rl.algorithm.Algorithm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a run can learn by is listed from the code, and the page says the same. */
class AlgorithmsCommandTest {
  private static Cli.Result run(String... args) {
    return Cli.run(Path.of("."), Map.of(), args);
  }

  @Test
  void thePageIsWhatTheCodeSays() throws IOException {
    String page = Files.readString(Path.of("..", "docs", "algorithms.md"));

    assertThat(page)
        .as("write it anew: ./mesh algorithms --markdown > docs/algorithms.md")
        .isEqualTo(run("algorithms", "--markdown").out());
  }

  @Test
  void allAreListedWithTheirPapers() {
    Cli.Result result = run("algorithms");

    assertThat(result.exit()).isZero();
    for (Algorithm algorithm : Algorithm.values()) {
      assertThat(result.out()).contains(algorithm.name()).contains(algorithm.paper());
    }
  }

  @Test
  void oneIsShownWithItsKnobsAndTheirDefaults() {
    assertThat(run("algorithms", "dapo").out())
        .contains("DYNAMIC_SAMPLING", "clip_high", "0.28", "TOKEN_MEAN");
    JsonNode dapo = run("algorithms", "dapo", "--json").json();
    assertThat(dapo.path("knobs").path("clip_high").path("default").asDouble()).isEqualTo(0.28);
    assertThat(dapo.path("aggregation").asText()).isEqualTo("TOKEN_MEAN");
  }

  @Test
  void anUnknownOneIsRefusedWithTheNames() {
    Cli.Result result = run("algorithms", "gropo");

    assertThat(result.exit()).isEqualTo(Exit.USAGE.code());
    assertThat(result.err()).contains("gropo").contains("GRPO");
  }
}
