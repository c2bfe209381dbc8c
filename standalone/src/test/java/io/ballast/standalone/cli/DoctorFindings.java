package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** What {@code doctor --json} found, and what a test expects of it. */
final class DoctorFindings {
  private DoctorFindings() {}

  /** What was found, by its subject. */
  static List<JsonNode> findings(Cli.Result result, String subject) {
    List<JsonNode> found = new ArrayList<>();
    for (JsonNode finding : result.json().path("findings")) {
      if (finding.path("subject").asText().equals(subject)) {
        found.add(finding);
      }
    }
    return found;
  }

  static void assertFound(Cli.Result result, String subject, String health, String... words) {
    assertThat(findings(result, subject))
        .as(result.out())
        .anySatisfy(
            finding -> {
              assertThat(finding.path("health").asText()).isEqualTo(health);
              assertThat(finding.path("detail").asText()).contains(words);
              assertThat(finding.path("mend").asText().isEmpty()).isEqualTo(health.equals("GOOD"));
            });
  }
}
