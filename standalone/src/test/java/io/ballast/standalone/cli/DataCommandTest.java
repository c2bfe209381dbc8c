package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.policy.v1.DeleteUserDataRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** data delete asks for what it is told to, and shows the proof. */
class DataCommandTest {
  private static final String REASON = "request 17 of November";

  private final FakeMesh mesh = new FakeMesh();

  @AfterEach
  void close() {
    mesh.close();
  }

  @Test
  void aUsersDataGoesWithProof() {
    Cli.Result result =
        Cli.run(
            mesh,
            "data",
            "delete",
            "--user",
            "ada",
            "--actor",
            "Grace",
            "--reason",
            REASON,
            "--tenant",
            "acme");

    assertThat(result.err()).isEmpty();
    assertThat(result.out())
        .contains("deleted 2 suggestions and 3 events of feedback")
        .contains("proof: entry 17 of the trail policy, " + "a".repeat(64));
    DeleteUserDataRequest asked = mesh.asked(DeleteUserDataRequest.class);
    assertThat(asked.getUser()).isEqualTo("ada");
    assertThat(asked.getActor()).isEqualTo("Grace");
    assertThat(asked.getReason()).isEqualTo(REASON);
    assertThat(asked.getMetadata().getTenant()).isEqualTo("acme");
  }

  @Test
  void certainSuggestionsMayBeNamed() {
    Cli.Result result =
        Cli.run(
            mesh,
            "data",
            "delete",
            "--suggestion",
            "a",
            "--suggestion",
            "b",
            "--actor",
            "Grace",
            "--reason",
            REASON,
            "--json");

    assertThat(result.json().path("audit_sequence").asText()).isEqualTo("17");
    assertThat(mesh.asked(DeleteUserDataRequest.class).getSuggestionIdsList())
        .containsExactly("a", "b");
    assertThat(Cli.run(mesh, "data", "delete", "--user", "ada").exit()).isEqualTo(2);
  }
}
