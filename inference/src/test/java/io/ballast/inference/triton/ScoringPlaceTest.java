package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Servers that want a token get one, or nothing is opened. */
class ScoringPlaceTest {
  @TempDir Path folder;

  private static ScoringPlace place(Optional<Path> tokenFile, Optional<String> tokenVariable) {
    return new ScoringPlace(
        List.of("localhost:1"),
        List.of(),
        Map.of(),
        false,
        Optional.empty(),
        tokenFile,
        tokenVariable,
        Duration.ofSeconds(1),
        1,
        1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " \n"})
  void aBlankTokenIsNone(String blank) throws IOException {
    Path file = Files.writeString(folder.resolve("token"), blank);

    assertThatThrownBy(() -> place(Optional.of(file), Optional.empty()).open(name -> null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("token-file: blank (expected: the token)");
    assertThatThrownBy(() -> place(Optional.empty(), Optional.of("TOKEN")).open(name -> blank))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("token-variable: blank (expected: the token)");
  }

  @Test
  void aFileThatIsNotThereIsNamed() {
    Path file = folder.resolve("nowhere");

    assertThatThrownBy(() -> place(Optional.of(file), Optional.empty()).open(name -> null))
        .hasMessage("token-file: cannot be read (expected: a file with the token)");
  }

  @Test
  void aTokenOpensTheConnections() throws IOException {
    Path file = Files.writeString(folder.resolve("token"), "a-token\n");

    try (ScoringFleet fleet = place(Optional.of(file), Optional.empty()).open(name -> null)) {
      assertThat(fleet).isNotNull();
    }
  }
}
