package io.ballast.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The page's files are in the jar and fit each other, as far as text can show. */
class PageTest {
  private static final String ROOT = "META-INF/resources/";

  private static String read(String path) throws IOException {
    try (InputStream file = PageTest.class.getClassLoader().getResourceAsStream(ROOT + path)) {
      assertThat(file).as(path + " on the class path").isNotNull();
      return new String(file.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static List<String> found(String text, String pattern) {
    return Pattern.compile(pattern).matcher(text).results().map(m -> m.group(1)).toList();
  }

  private static boolean ours(String module) {
    return !module.startsWith("webjars/");
  }

  /** Every module that main.js reaches, by path. */
  private static Set<String> modules() throws IOException {
    Set<String> seen = new TreeSet<>();
    Deque<String> waiting = new ArrayDeque<>(List.of("console/main.js"));
    while (!waiting.isEmpty()) {
      String module = waiting.remove();
      if (seen.add(module) && ours(module)) {
        for (String path : found(read(module), "from \"(\\.[^\"]+)\"")) {
          waiting.add(path.startsWith("../") ? path.substring(3) : "console/" + path.substring(2));
        }
      }
    }
    return seen;
  }

  @Test
  void everyFileThatThePageLoadsIsThere() throws IOException {
    for (String file : found(read("index.html"), "(?:<link [^>]*href|src)=\"([^\"]+)\"")) {
      assertThat(read(file)).as(file).isNotEmpty();
    }
    assertThat(modules()).hasSizeGreaterThan(8).anyMatch(module -> !ours(module));
    for (String module : modules()) {
      assertThat(read(module)).as(module).isNotEmpty();
    }
  }

  @Test
  void nothingIsLoadedFromElsewhere() throws IOException {
    assertThat(found(read("index.html"), "(?:href|src)=\"([^\"]+)\""))
        .isNotEmpty()
        .noneMatch(address -> address.contains("//"));
    assertThat(found(read("console/style.css"), "(url\\(|@import)")).isEmpty();
  }

  @Test
  void theContentPolicyLetsAllOfItRun() throws IOException {
    String page = read("index.html");
    assertThat(found(page, "(<script(?![^>]*src=))")).as("scripts in the page").isEmpty();
    assertThat(found(page, "(<style|\\sstyle=|\\son[a-z]+=)")).as("styles, handlers").isEmpty();
  }

  @Test
  void everyIdThatAScriptUsesIsInThePage() throws IOException {
    List<String> ids = found(read("index.html"), "\\sid=\"([^\"]+)\"");
    assertThat(ids).doesNotHaveDuplicates();
    Set<String> used = new TreeSet<>();
    for (String module : modules()) {
      if (ours(module)) {
        used.addAll(found(read(module), "(?:byId\\(|place: )\"([^\"]+)\""));
      }
    }
    assertThat(used).hasSizeGreaterThan(12);
    assertThat(ids).containsAll(used);
  }

  @Test
  void everyLabelAndEveryAnchorPointsToSomething() throws IOException {
    String page = read("index.html");
    assertThat(found(page, "\\sid=\"([^\"]+)\""))
        .containsAll(found(page, "\\sfor=\"([^\"]+)\""))
        .containsAll(found(page, "href=\"#([^\"]+)\""))
        .containsAll(found(page, "aria-labelledby=\"([^\"]+)\""));
  }

  @Test
  void everyImportIsExported() throws IOException {
    Pattern imports = Pattern.compile("import \\{([^}]+)} from \"\\./([^\"]+)\"");
    for (String module : modules()) {
      if (!ours(module)) {
        continue;
      }
      for (MatchResult match : imports.matcher(read(module)).results().toList()) {
        String exporting = read("console/" + match.group(2));
        for (String imported : match.group(1).split(",")) {
          String name = imported.strip().replaceFirst(" as .*", "");
          assertThat(exporting)
              .as(module + " imports " + name + " from " + match.group(2))
              .containsPattern("export (async )?(function|const|class) " + name + "\\b");
        }
      }
    }
  }

  @Test
  void noScriptReadsMarkup() throws IOException {
    for (String module : modules()) {
      if (ours(module)) {
        assertThat(read(module))
            .as(module)
            .doesNotContain(
                "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(");
      }
    }
  }
}
