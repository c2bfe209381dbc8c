package io.ballast.kit.swap;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an operator writes is what the server is told, again and again. */
class ServingFileTest {
  @TempDir Path folder;

  private final List<Map<String, String>> told = new ArrayList<>();
  private Map<String, String> answer = Map.of();

  @Test
  void eachLookTellsWhatTheFileSays() throws IOException {
    Path path = Files.writeString(folder.resolve("serving"), "# by Ada\nreward = 2 \nother=1\n");
    try (ServingFile file = new ServingFile(path, this::turn)) {
      file.look();
      Files.writeString(path, "reward=3\n");
      file.look();
    }
    assertThat(told).containsExactly(Map.of("reward", "2", "other", "1"), Map.of("reward", "3"));
  }

  @Test
  void whatCannotBeTurnedToIsToldUntilItCan() throws IOException {
    Path path = Files.writeString(folder.resolve("serving"), "reward=2\n");
    try (ServingFile file = new ServingFile(path, this::turn)) {
      answer = Map.of("reward", "no such version");
      file.look();
      assertThat(file.flaws()).isEqualTo(answer);
      answer = Map.of();
      file.look();
      assertThat(file.flaws()).isEmpty();
    }
  }

  @Test
  void aFileThatCannotBeReadTurnsNothing() {
    Path path = folder.resolve("absent");
    try (ServingFile file = new ServingFile(path, this::turn)) {
      file.look();
      assertThat(told).isEmpty();
      assertThat(file.flaws()).containsOnlyKeys(path.toString());
    }
  }

  private Map<String, String> turn(Map<String, String> versions) {
    told.add(versions);
    return answer;
  }
}
