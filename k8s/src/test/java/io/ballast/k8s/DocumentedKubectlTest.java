package io.ballast.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What pages have somebody type into kubectl is about the mesh's namespace, not about default. */
class DocumentedKubectlTest {
  /** A command with its arguments; a word such as `kubectl scale` alone only names one. */
  private static final Pattern COMMAND =
      Pattern.compile(
          "kubectl (?:-n \\S+ )?"
              + "(?:create|debug|delete|describe|exec|get|logs|patch|port-forward|rollout|scale)"
              + " [^`\\n]+");

  @Test
  void everyCommandNamesTheNamespace() throws IOException {
    List<String> commands = new ArrayList<>();
    for (Path page : pages()) {
      COMMAND
          .matcher(Files.readString(page))
          .results()
          .map(MatchResult::group)
          .forEach(commands::add);
    }

    assertThat(commands).hasSizeGreaterThan(20).contains("kubectl create namespace ballast");
    assertThat(commands)
        .filteredOn(command -> !command.equals("kubectl create namespace ballast"))
        .allMatch(command -> command.startsWith("kubectl -n ballast "));
  }

  private static List<Path> pages() throws IOException {
    List<Path> pages = new ArrayList<>(List.of(Path.of("README.md")));
    try (Stream<Path> docs = Files.walk(Path.of("..", "docs"))) {
      docs.filter(page -> page.toString().endsWith(".md")).forEach(pages::add);
    }
    return pages;
  }
}
