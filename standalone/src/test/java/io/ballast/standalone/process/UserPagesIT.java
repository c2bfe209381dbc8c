package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.StatusMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whoever follows a page of docs/users gets what it says: every command on it is run. */
class UserPagesIT {
  private static final String EXAMPLES = "standalone/src/test/java/io/ballast/example/";

  @TempDir private Path work = Path.of(".");

  @Test
  void anApplicationsPage() throws IOException {
    UserPage page = UserPage.read("application");
    assertThat(page.shows(EXAMPLES + "SuggestFromJava.java")).isTrue();
    for (Fault fault : Fault.values()) {
      var judged = new StatusMapper("any").judge(new MeshException(fault, "any"));
      assertThat(page.text())
          .contains("| `" + fault + "` | `" + judged.answer().getStatus().getCode() + "` |");
    }

    try (PageShell shell = new PageShell(work)) {
      List<PageShell.Printed> printed = shell.run(page);

      assertThat(of(printed, "./mesh up")).contains("Console: http://127.0.0.1:");
      assertThat(of(printed, "./mesh suggest --temperature 0 'int"))
          .contains("decision", "accepted   with probability", "reward", "cost", "java-tiny/1");
      assertThat(of(printed, "--json")).contains("\"suggestion_id\"", "GATE_NOT_ENFORCED");
      assertThat(all(printed, "--accepted --key"))
          .satisfiesExactly(
              first -> assertThat(first).startsWith("recorded: "),
              second -> assertThat(second).startsWith("recorded before: "));
      assertThat(of(printed, "./mesh score")).contains("banana", "java-reward/1");
      assertThat(of(printed, "./mesh cost")).contains("block", "java-cost/1");
      assertThat(of(printed, "--version-id 99")).contains("no version 99");
      assertThat(of(printed, "java @standalone")).contains(" because DECISION_REASON_");
      assertThat(of(printed, "./mesh suggest ''")).contains("prompt: empty (expected:");
      assertThat(of(printed, "./mesh down")).contains("stopped process");
    }
  }

  /** What the one command that has {@code part} in it printed. */
  private static String of(List<PageShell.Printed> printed, String part) {
    return all(printed, part).getFirst();
  }

  private static List<String> all(List<PageShell.Printed> printed, String part) {
    return printed.stream()
        .filter(p -> p.command().text().contains(part))
        .map(PageShell.Printed::text)
        .toList();
  }
}
