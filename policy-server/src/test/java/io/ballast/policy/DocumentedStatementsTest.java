package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.ballast.policy.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** PostgreSQL takes every statement that a page for operators shows. */
class DocumentedStatementsTest {
  private static final Path PAGES = Path.of("..", "docs");
  private static final Pattern STATEMENT = Pattern.compile("`((?:select|update|delete) [^`]*)`");

  /** What a reader puts the number of a process in place of. */
  private static final String PLACE = "PID";

  /** The orchestrator's, which is no schema here, is made by the same file as ours. */
  private static final String OTHERS = "orchestrator.outbox";

  private static final String OURS = "policy.outbox";

  @Test
  void everyStatementIsOneOfOurTables() throws IOException {
    List<String> statements = new ArrayList<>();
    try (Stream<Path> pages = Files.walk(PAGES)) {
      for (Path page : pages.filter(each -> each.toString().endsWith(".md")).toList()) {
        STATEMENT
            .matcher(Files.readString(page))
            .results()
            .map(statement -> statement.group(1).replace(PLACE, "1").replace(OTHERS, OURS))
            .forEach(statements::add);
      }
    }

    assertThat(statements)
        .hasSizeGreaterThan(5)
        .anyMatch(statement -> statement.startsWith("update "));
    TestDatabase database = TestDatabase.create();
    assertThat(statements)
        .allSatisfy(
            statement ->
                assertThatCode(
                        () ->
                            database
                                .jdbi()
                                .useHandle(handle -> handle.execute("explain " + statement)))
                    .doesNotThrowAnyException());
  }
}
