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
  private static final Path PAGES = Path.of("..", "docs", "operations");
  private static final Pattern STATEMENT = Pattern.compile("`(select [^`]*)`");

  /** What a reader puts the number of a process in place of. */
  private static final String PLACE = "PID";

  @Test
  void everyStatementIsOneOfOurTables() throws IOException {
    List<String> statements = new ArrayList<>();
    try (Stream<Path> pages = Files.walk(PAGES)) {
      for (Path page : pages.filter(each -> each.toString().endsWith(".md")).toList()) {
        STATEMENT
            .matcher(Files.readString(page))
            .results()
            .map(statement -> statement.group(1).replace(PLACE, "1"))
            .forEach(statements::add);
      }
    }

    assertThat(statements).hasSizeGreaterThan(3);
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
