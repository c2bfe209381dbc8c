package io.ballast.k8s;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.ballast.kit.runtime.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Alerts, their pages, their tests and the dashboards fit together. That what they read is measured
 * is held by the tests of who measures it: {@code MonitoredMetrics} names them.
 */
class MonitoringTest {
  private static final Path MONITORING = Path.of("monitoring");
  private static final Path RUNBOOKS = Path.of("..", "docs", "operations", "runbooks");
  private static final Pattern RECORDED = Pattern.compile("\\bballast:[a-z0-9_:]+");
  private static final Pattern EXPECTED = Pattern.compile("alertname=\"(\\w+)\"");

  @Test
  void everyAlertHasAPageAndEveryPageAnAlert() throws IOException {
    Set<String> alerts = alerts();

    assertThat(alerts).hasSizeGreaterThan(20);
    assertThat(names(RUNBOOKS, ".md")).isEqualTo(alerts);
    for (JsonNode rule : rules()) {
      if (rule.has("alert")) {
        String name = rule.path("alert").asText();
        assertThat(rule.at("/annotations/runbook").asText())
            .isEqualTo("docs/operations/runbooks/%s.md".formatted(name));
        assertThat(rule.at("/annotations/summary").asText()).as(name).isNotEmpty();
        assertThat(rule.at("/annotations/description").asText()).as(name).isNotEmpty();
        assertThat(rule.at("/labels/severity").asText()).as(name).isIn("page", "ticket");
      }
    }
  }

  @Test
  void everyPageSaysWhatIsSeenWhyWhatToDoAndWhenItIsOver() throws IOException {
    for (String name : alerts()) {
      assertThat(Files.readString(RUNBOOKS.resolve(name + ".md")))
          .startsWith("# " + name + "\n")
          .containsSubsequence("**You see.**", "**Why.**", "**Do.**", "1. ", "**Over when.**");
    }
  }

  /** Where ports do not follow each other, doctor calls servers away that are well. */
  @Test
  void whoeverIsSentToDoctorIsToldHowItFindsServersOnKubernetes() throws IOException {
    List<String> sent = new ArrayList<>();
    for (String name : names(RUNBOOKS, ".md")) {
      String page = Files.readString(RUNBOOKS.resolve(name + ".md"));
      if (page.contains("./mesh doctor mesh")) {
        assertThat(page).as(name).contains("](../../../k8s/README.md#look-into-it)");
        sent.add(name);
      }
    }
    assertThat(sent).contains("BallastGone", "BallastPeerAway");

    String readme = Files.readString(Path.of("README.md"));
    assertThat(readme).contains("\n## Look into it\n");
    int shift = 0;
    for (Role role : Role.values()) {
      String server = role.label();
      assertThat(readme)
          .contains("port-forward deploy/%s 910%d:9100 918%d:9180".formatted(server, shift, shift))
          .contains("--server %s=%s.ballast:9100:9180".formatted(server, server));
      shift++;
    }
  }

  @Test
  void everyAlertIsSeenToFireOnARecordedSeries() throws IOException {
    StringBuilder tests = new StringBuilder();
    for (String name : names(MONITORING.resolve("tests"), ".yaml")) {
      tests.append(Files.readString(MONITORING.resolve("tests").resolve(name + ".yaml")));
    }
    Set<String> expected =
        tests
            .toString()
            .lines()
            .filter(line -> line.contains("labels:"))
            .flatMap(line -> EXPECTED.matcher(line).results())
            .map(found -> found.group(1))
            .collect(Collectors.toCollection(TreeSet::new));

    assertThat(expected).isEqualTo(alerts());
  }

  @Test
  void everyServerIsMissedByItself() {
    JsonNode gone =
        rules().stream()
            .filter(rule -> rule.path("alert").asText().equals("BallastServerGone"))
            .findFirst()
            .orElseThrow();

    assertThat(gone.at("/labels/severity").asText()).isEqualTo("page");
    for (Role role : Role.values()) {
      assertThat(gone.path("expr").asText())
          .contains("absent(ballast_server_up{server=\"%s\"})".formatted(role.label()));
    }
  }

  /** By default it is off, and its gauges are no numbers: no alert would ever hear of it. */
  @ParameterizedTest
  @ValueSource(strings = {"cpu", "gpu", "local"})
  void gatesAreWatchedWhereAlertsReadWhatIsSeen(String overlay) {
    Map<String, String> environment = Manifests.overlay(overlay).configuration();

    assertThat(rules())
        .extracting(rule -> rule.path("expr").asText())
        .anyMatch(text -> text.contains("ballast_safety_gate_drift_alarms"))
        .anyMatch(text -> text.contains("ballast_safety_gate_drift_unread_seconds"));
    assertThat(Duration.parse(environment.getOrDefault("BALLAST_SAFETY_DRIFT_INTERVAL", "PT0S")))
        .isPositive()
        .isLessThan(Duration.ofDays(1));
    assertThat(environment).containsEntry("BALLAST_POLICY_ALL_TENANTS_DECISIONS", "true");
  }

  @Test
  void whatIsReadAsRecordedIsRecorded() throws IOException {
    Set<String> recorded = new TreeSet<>();
    rules().stream()
        .filter(rule -> rule.has("record"))
        .forEach(rule -> recorded.add(rule.path("record").asText()));
    List<String> texts = new ArrayList<>();
    rules().forEach(rule -> texts.add(rule.path("expr").asText()));
    dashboards().forEach(dashboard -> texts.add(dashboard.toString()));

    assertThat(texts)
        .allSatisfy(
            text ->
                assertThat(RECORDED.matcher(text).results().map(MatchResult::group))
                    .allMatch(recorded::contains));
    assertThat(texts).anyMatch(RECORDED.asPredicate());
  }

  @Test
  void everyDashboardIsListedAndItsPanelsAskPrometheus() throws IOException {
    JsonNode kustomization =
        Manifests.documents(MONITORING.resolve("kustomization.yaml")).getFirst();
    Set<String> listed = new TreeSet<>();
    kustomization.at("/configMapGenerator/0/files").forEach(file -> listed.add(file.asText()));

    assertThat(listed)
        .isEqualTo(
            names(MONITORING.resolve("dashboards"), ".json").stream()
                .map(name -> "dashboards/%s.json".formatted(name))
                .collect(Collectors.toCollection(TreeSet::new)));
    assertThat(dashboards()).extracting(each -> each.path("uid").asText()).doesNotHaveDuplicates();
    String readme = Files.readString(MONITORING.resolve("README.md"));
    for (JsonNode dashboard : dashboards()) {
      assertThat(readme)
          .contains(
              "*%s* at `/d/%s`"
                  .formatted(dashboard.path("title").asText(), dashboard.path("uid").asText()));
    }
    for (JsonNode dashboard : dashboards()) {
      List<JsonNode> panels = new ArrayList<>();
      dashboard.path("panels").forEach(panels::add);
      assertThat(panels).hasSizeGreaterThan(5);
      assertThat(panels).extracting(panel -> panel.path("id").asInt()).doesNotHaveDuplicates();
      assertThat(panels)
          .allSatisfy(
              panel ->
                  assertThat(panel.path("targets"))
                      .isNotEmpty()
                      .allMatch(target -> !target.path("expr").asText().isBlank()));
    }
  }

  /** No Java test calls promtool: without this a rule that never fires would be seen late. */
  @Test
  void noChangeIsTakenWhoseRulesDoNotFireOrWhosePanelsCannotBeRead() throws IOException {
    assertThat(Files.readString(Path.of("check.sh")))
        .contains("\"$K8S/monitoring/test.sh\"")
        .containsPattern("required ] \\|\\| fail \"the alert rules have to be tested\"");
    assertThat(Files.readString(Path.of("../.ci/long"))).contains("BALLAST_PROMTOOL=required");
    Pattern line = Pattern.compile("(?m)^ *\"expr\": (\".*\"),?$");
    for (String name : names(MONITORING.resolve("dashboards"), ".json")) {
      Path file = MONITORING.resolve("dashboards").resolve(name + ".json");
      List<String> read = new ArrayList<>();
      for (MatchResult found : line.matcher(Files.readString(file)).results().toList()) {
        read.add(new JsonMapper().readTree(found.group(1)).asText());
      }
      assertThat(read)
          .as("what test.sh finds of " + name)
          .isEqualTo(new JsonMapper().readTree(file.toFile()).findValuesAsText("expr"));
    }
  }

  private static List<JsonNode> rules() {
    List<JsonNode> rules = new ArrayList<>();
    for (JsonNode rule : Manifests.documents(MONITORING.resolve("rules.yaml"))) {
      rule.at("/spec/groups").forEach(group -> group.path("rules").forEach(rules::add));
    }
    return rules;
  }

  private static Set<String> alerts() {
    return rules().stream()
        .map(rule -> rule.path("alert").asText())
        .filter(Predicate.not(String::isEmpty))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static List<JsonNode> dashboards() throws IOException {
    List<JsonNode> dashboards = new ArrayList<>();
    for (String name : names(MONITORING.resolve("dashboards"), ".json")) {
      dashboards.add(
          new JsonMapper()
              .readTree(MONITORING.resolve("dashboards").resolve(name + ".json").toFile()));
    }
    return dashboards;
  }

  /** The files of a folder, without their ending. */
  private static Set<String> names(Path folder, String ending) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(ending))
          .map(name -> name.substring(0, name.length() - ending.length()))
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }
}
