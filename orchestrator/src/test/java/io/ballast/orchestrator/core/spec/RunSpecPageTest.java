package io.ballast.orchestrator.core.spec;

import static io.ballast.orchestrator.core.spec.LeastSpec.LEAST;
import static io.ballast.orchestrator.core.spec.LeastSpec.read;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What docs/run-spec.md shows is read: the whole spec, and each part beside the least there is. */
class RunSpecPageTest {
  private static final Path PAGE = Path.of("../docs/run-spec.md");
  private static final Pattern BLOCK = Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL);
  private static final Pattern KEY = Pattern.compile("^(\\w+):", Pattern.MULTILINE);

  static Stream<String> blocks() throws IOException {
    return BLOCK.matcher(Files.readString(PAGE)).results().map(found -> found.group(1));
  }

  @ParameterizedTest
  @MethodSource("blocks")
  void everyBlockIsReadAndSaysSomething(String block) {
    assertThat(read(completed(block))).isNotEqualTo(read(LEAST));
  }

  /** The block, and of the least that a spec must say what it does not say itself. */
  private static String completed(String block) {
    Set<String> said =
        KEY.matcher(block).results().map(found -> found.group(1)).collect(Collectors.toSet());
    return LEAST
            .lines()
            .filter(line -> !said.contains(line.substring(0, line.indexOf(':'))))
            .collect(Collectors.joining("\n"))
        + "\n"
        + block;
  }

  @Test
  void theFirstIsAWholeSpec() throws IOException {
    RunSpec spec = read(blocks().findFirst().orElseThrow());

    assertThat(spec.name()).isEqualTo("constrained");
    assertThat(spec.seed()).isEqualTo(7);
    assertThat(spec.learningRate().peak()).isEqualTo(1.5e-4);
    assertThat(spec.constraints().getFirst().target()).isEqualTo(0.2);
    assertThat(spec.safetyTest().prompts())
        .isEqualTo(new PromptSource.InFile("prompts/held-out.jsonl", "prompt"));
  }
}
