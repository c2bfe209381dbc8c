package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.policy.v1.BreakGlassAliasRequest;
import io.ballast.policy.v1.CanaryOutcome;
import io.ballast.policy.v1.EndCanaryRequest;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RollBackAliasRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** models moves aliases, and never without a certificate. */
class ModelsCommandTest {
  private final FakeMesh mesh = new FakeMesh();

  @TempDir Path folder;

  @AfterEach
  void close() {
    mesh.close();
  }

  @Test
  void versionsAreListedWithTheirAliases() {
    Cli.Result result = Cli.run(mesh, "models", "list");

    assertThat(result.exit()).isZero();
    assertThat(result.out().lines().toList().get(2)).contains("java-tiny").contains("serving");
    assertThat(result.out().lines().toList().get(1)).doesNotContain("serving");
    assertThat(Cli.run(mesh, "models", "list", "--json").json().path("versions")).hasSize(2);
  }

  @Test
  void aliasesAreShownWithTheirMoves() {
    assertThat(Cli.run(mesh, "models", "aliases").out())
        .contains("java-tiny: serving → 1")
        .contains("create")
        .contains("– → 1");
  }

  @Test
  void aPromotionFindsTheCertificateAndWhereTheAliasPoints() {
    Cli.Result result = Cli.run(mesh, "models", "promote", "2");

    assertThat(result.exit()).isZero();
    assertThat(result.out()).contains("serving → 2").contains("./mesh models rollback");
    PromoteAliasRequest asked = mesh.asked(PromoteAliasRequest.class);
    assertThat(asked.getCertificateId()).isEqualTo(FakeMesh.CERTIFICATE_ID);
    assertThat(asked.getExpectedVersion()).isEqualTo("1");
    assertThat(asked.getAlias()).isEqualTo("serving");
    assertThat(asked.getMetadata().getIdempotencyKey()).isNotEmpty();
  }

  @Test
  void withoutASubcommandTheyAreListed() {
    Cli.Result result = Cli.run(mesh, "models");

    assertThat(result.exit()).isZero();
    assertThat(result.out()).contains("java-tiny").isEqualTo(Cli.run(mesh, "models", "list").out());
  }

  @Test
  void withoutACertificateNothingIsPromoted() {
    mesh.certified = false;

    Cli.Result result = Cli.run(mesh, "models", "promote", "2");

    assertThat(result.exit()).isEqualTo(4);
    assertThat(result.err())
        .isEqualToIgnoringNewLines(
            "mesh: no safety test of 2 has passed; without a certificate nothing is promoted");
    assertThat(mesh.requests).noneMatch(PromoteAliasRequest.class::isInstance);
  }

  @Test
  void aRollbackSaysWhereTheAliasPointsNow() {
    assertThat(Cli.run(mesh, "models", "rollback", "--expected", "2").out())
        .isEqualToIgnoringNewLines("java-tiny: serving → 1");
    assertThat(mesh.asked(RollBackAliasRequest.class).getExpectedVersion()).isEqualTo("2");
  }

  @Test
  void brokenGlassSaysWhoAndWhyAndHowToUndoIt() throws IOException {
    Path secret = Files.writeString(folder.resolve("secret"), "an-operators-secret\n");

    Cli.Result result =
        Cli.run(
            mesh,
            "models",
            "break-glass",
            "2",
            "--secret",
            secret.toString(),
            "--actor",
            "Ada",
            "--reason",
            "serving answers nothing");

    assertThat(result.exit()).isZero();
    assertThat(result.out())
        .contains("serving → 2, without a certificate; undo: ./mesh models rollback");
    BreakGlassAliasRequest asked = mesh.asked(BreakGlassAliasRequest.class);
    assertThat(asked.getExpectedVersion()).isEqualTo("1");
    assertThat(asked.getActor()).isEqualTo("Ada");
    assertThat(asked.getReason()).isEqualTo("serving answers nothing");
    assertThat(mesh.withSecret)
        .as("the question where the alias points needs no secret")
        .containsExactly("BreakGlassAlias");
  }

  @Test
  void aCanaryLeavesTheAliasAndSaysHowToEndIt() {
    Cli.Result result = Cli.run(mesh, "models", "promote", "2", "--canary", "0.05");

    assertThat(result.exit()).isZero();
    assertThat(result.out())
        .contains("java-tiny: serving → 1; canary 2, 5 % of requests since")
        .contains("end it: ./mesh models end-canary");
    assertThat(mesh.asked(PromoteAliasRequest.class).getCanary().getShare()).isEqualTo(0.05);
  }

  @Test
  void aCanaryIsEndedOneWayOrTheOther() {
    Cli.Result result =
        Cli.run(mesh, "models", "end-canary", "2", "--complete", "--reason", "no worse in a week");

    assertThat(result.exit()).isZero();
    assertThat(result.out()).isEqualToIgnoringNewLines("java-tiny: serving → 2");
    EndCanaryRequest asked = mesh.asked(EndCanaryRequest.class);
    assertThat(asked.getCanaryVersion()).isEqualTo("2");
    assertThat(asked.getOutcome()).isEqualTo(CanaryOutcome.CANARY_OUTCOME_COMPLETE);
    assertThat(asked.getReason()).isEqualTo("no worse in a week");
    assertThat(asked.getMetadata().getIdempotencyKey()).isNotEmpty();
    assertThat(
            Cli.run(
                    mesh,
                    "models",
                    "end-canary",
                    "2",
                    "--roll-back",
                    "--reason",
                    "harms more than it may")
                .out())
        .isEqualToIgnoringNewLines("java-tiny: serving → 1");
  }

  @Test
  void anEndOfACanaryThatDoesNotSayWhichIsWrongUsage() {
    assertThat(Cli.run(mesh, "models", "end-canary", "2", "--reason", "no worse").exit())
        .isEqualTo(2);
    assertThat(
            Cli.run(
                    mesh,
                    "models",
                    "end-canary",
                    "2",
                    "--complete",
                    "--roll-back",
                    "--reason",
                    "no worse")
                .exit())
        .isEqualTo(2);
    assertThat(mesh.requests).noneMatch(EndCanaryRequest.class::isInstance);
  }

  @Test
  void aSecretThatIsNotThereIsWrongUsage() {
    Path secret = folder.resolve("none");

    Cli.Result result =
        Cli.run(
            mesh,
            "models",
            "break-glass",
            "2",
            "--secret",
            secret.toString(),
            "--actor",
            "Ada",
            "--reason",
            "serving answers nothing");

    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err())
        .startsWith("mesh: --secret: " + secret + ": cannot be read (expected: a file");
    assertThat(mesh.requests).noneMatch(BreakGlassAliasRequest.class::isInstance);
  }

  @Test
  void aCertificateIsComputedAnew() {
    Cli.Result result = Cli.run(mesh, "models", "certificate", FakeMesh.CERTIFICATE_ID);

    assertThat(result.exit()).isZero();
    assertThat(result.out())
        .contains("java-tiny/2")
        .contains("java-cost/2")
        .contains("against java-cost/1")
        .contains("0.091200 at δ = 0.05; computed anew: 0.091200")
        .contains("digest: matches")
        .contains("yes");
    mesh.certified = false;
    assertThat(Cli.run(mesh, "models", "certificate", FakeMesh.CERTIFICATE_ID).exit()).isEqualTo(4);
  }
}
