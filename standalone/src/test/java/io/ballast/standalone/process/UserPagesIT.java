package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.StatusMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whoever follows a page of docs/users gets what it says: every command on it is run. */
class UserPagesIT {
  private static final String EXAMPLES = "standalone/src/test/java/io/ballast/example/";

  private static final Pattern LOG_PROBS =
      Pattern.compile("log-prob (-[0-9.]+) sampled, (-[0-9.]+) forced");

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

  @Test
  void aTrainersPage() throws IOException {
    UserPage page = UserPage.read("trainer");
    assertThat(page.shows(EXAMPLES + "OraclesFromJava.java")).isTrue();
    assertThat(page.shows("docs/users/small-run.yaml")).isTrue();

    try (PageShell shell = new PageShell(work)) {
      List<PageShell.Printed> printed = shell.run(page);

      assertThat(of(printed, "java @standalone").lines())
          .filteredOn(line -> line.startsWith("reward "))
          .hasSize(4)
          .allMatch(UserPagesIT::forcedAsSampled);
      assertThat(of(printed, "$rewards/get_reward?"))
          .startsWith("{\"rewards\":[")
          .contains("\"spread\":[", "\"member_4\":[");
      assertThat(of(printed, "$rewards/classify"))
          .contains("\"model\":\"java-reward/1\"", "\"label\":\"reward\"");
      assertThat(of(printed, "./mesh run docs/users/small-run.yaml"))
          .contains("2 iterations from java-tiny/1", "promoted", "safety test  passed");
      assertThat(of(printed, "./mesh run -")).contains("no solution found", "threshold 0.0500");
      assertThat(of(printed, "./mesh runs list")).contains("small", "strict", "long");
      assertThat(of(printed, "./mesh runs cancel long")).contains("cancelled");
      assertThat(all(printed, "./mesh models certificate"))
          .satisfiesExactly(
              valid -> assertThat(valid).containsPattern("valid +yes"),
              revoked -> assertThat(revoked).contains("revoked at", "only tried out"));
      assertThat(of(printed, "./mesh models aliases")).contains("serving → small-");
      assertThat(of(printed, "./mesh models rollback")).contains("serving → 1");
      assertThat(all(printed, "./mesh models promote"))
          .satisfiesExactly(
              spent -> assertThat(spent).contains("it has moved serving before"),
              refused -> assertThat(refused).contains("without a certificate"),
              byHand -> assertThat(byHand).contains("serving → mine"));
      assertThat(of(printed, "./mesh models register"))
          .contains("java-tiny/mine registered, weights ");
      assertThat(all(printed, "./mesh safety test"))
          .satisfiesExactly(
              passed ->
                  assertThat(passed)
                      .contains("sampled and judged: 100 %", "passed: mean cost", "n = 16")
                      .containsPattern("certificate +[0-9a-f-]{36}, until "),
              spent -> assertThat(spent).contains("16 of 16 were used before, in test "));
      assertThat(of(printed, "./mesh certificate get")).contains("the evidence of 16 completions");
      assertThat(of(printed, "./mesh certificate verify"))
          .contains("signature: by key ", "merkle_root: matches", "alias: matches")
          .containsPattern("valid +yes");
      assertThat(of(printed, "./mesh certificate list")).contains("small-", "serving", "until ");
    }
  }

  @Test
  void anOperatorsPage() throws IOException {
    try (PageShell shell = new PageShell(work)) {
      List<PageShell.Printed> printed = shell.run(UserPage.read("sre"));

      assertThat(of(printed, "./mesh doctor")).contains("checksums match");
      assertThat(of(printed, "health/ready")).contains("\"UP\"", "\"reachable\"");
      assertThat(of(printed, "q/metrics")).contains("PolicyService/Suggest");
      assertThat(of(printed, "tail -n 3").lines())
          .hasSize(3)
          .allMatch(line -> line.startsWith("{\"timestamp\":"));
      assertThat(of(printed, "loadtest run"))
          .contains("failed 0", "acknowledged events is kept once: 0 lost", "PASS");
      assertThat(of(printed, "--split").lines().filter(line -> line.contains("gRPC 127.0.0.1:")))
          .hasSize(4);
      assertThat(of(printed, "for i in")).contains("\"policy-server\"", "\"orchestrator\"");
      assertThat(all(printed, "./mesh models aliases"))
          .as("what the backup holds")
          .satisfiesExactly(
              before -> assertThat(before).contains("serving → 1"),
              after -> assertThat(after).contains("serving → 1"));
    }
  }

  /** Whether a line of OraclesFromJava shows two log-probabilities that agree to rounding. */
  private static boolean forcedAsSampled(String line) {
    Matcher numbers = LOG_PROBS.matcher(line);
    return numbers.find()
        && Math.abs(Double.parseDouble(numbers.group(1)) - Double.parseDouble(numbers.group(2)))
            < 0.1;
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
