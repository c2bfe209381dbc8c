package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.audit.Act;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.FileAudit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** audit shows the trails, and finds what somebody altered. */
class AuditCommandTest {
  @TempDir Path folder;

  private final FakeMesh mesh = new FakeMesh();

  @BeforeEach
  void act() {
    mesh.audit.add(
        "policy",
        "{\"at\": \"2026-11-29T17:00:00.000000Z\", \"action\": \"alias.promote\","
            + " \"subject\": \"java-tiny/serving\", \"tenant\": \"default\","
            + " \"details\": {\"to_version\": \"2\"}}");
    mesh.audit.add(
        "policy", "{\"action\": \"data.delete\", \"actor\": \"Grace\", \"principal\": \"ops\"}");
    mesh.audit.add("safety", "{\"action\": \"certificate.revoke\"}");
  }

  @AfterEach
  void close() {
    mesh.close();
  }

  @Test
  void theLatestEntriesAreListed() {
    Cli.Result all = Cli.run(mesh, "audit", "list");
    assertThat(all.err()).isEmpty();
    assertThat(all.out())
        .containsPattern(
            "policy +1 +2026-11-29T17:00:00.000000Z +alias.promote +java-tiny/serving +default")
        .containsPattern("policy +2 +data.delete +ops for Grace")
        .containsPattern("safety +1 +certificate.revoke +the server");
    assertThat(Cli.run(mesh, "audit", "list", "--trail", "safety", "--json").json().path("entries"))
        .hasSize(1);
    assertThat(Cli.run(mesh, "audit", "list", "--limit", "1", "--json").json().path("entries"))
        .hasSize(2);
    Cli.Result absent = Cli.run(mesh, "audit", "list", "--trail", "orchestrator");
    assertThat(absent.exit()).isEqualTo(2);
    assertThat(absent.err()).contains("no server at the target keeps the audit trail orchestrator");
    assertThat(Cli.run(mesh, "audit", "list", "--trail", "console").err())
        .contains("no audit trail console (there are: policy, reward, safety, orchestrator)");
  }

  @Test
  void whatMoreAnEntryHoldsIsCutForPeopleAndWholeAsJson() {
    String rights = "r".repeat(300);
    mesh.audit.add("orchestrator", "{\"details\": {\"a\": \"%s\"}}".formatted(rights));

    // {"a":" and 73 letters are 79 characters, and the ellipsis is the 80th
    assertThat(Cli.run(mesh, "audit", "list", "--trail", "orchestrator").out())
        .contains(" {\"a\":\"" + "r".repeat(73) + "…")
        .doesNotContain("r".repeat(74));
    assertThat(Cli.run(mesh, "audit", "list", "--trail", "orchestrator", "--json").out())
        .contains(rights);
  }

  @Test
  void trailsAreVerifiedAgainstAnEarlierExport() throws IOException {
    Path file = folder.resolve("trail.jsonl");
    assertThat(Cli.run(mesh, "audit", "export", file.toString()).out())
        .contains("policy: 2 entries, each follows the one before; the last is ");
    assertThat(Files.readAllLines(file)).hasSize(3);
    assertThat(Cli.run(mesh, "audit", "export", file.toString()).exit()).isEqualTo(2);
    mesh.audit.add("policy", "{\"action\": \"alias.roll_back\"}");

    Cli.Result verified = Cli.run(mesh, "audit", "verify", file.toString());

    assertThat(verified.err()).isEmpty();
    assertThat(verified.out()).contains("policy: 3 entries", "safety: 1 entry,");
    assertThat(
            Cli.run(folder, Map.of(), "audit", "verify", file.toString(), "--offline", "--json")
                .json()
                .path("trails")
                .path("policy")
                .path("entries")
                .asInt())
        .isEqualTo(2);
  }

  @Test
  void whatWasAlteredIsNamed() throws IOException {
    Path file = folder.resolve("trail.jsonl");
    var unused = Cli.run(mesh, "audit", "export", file.toString());
    AuditEntry second = mesh.audit.entries.get(1);

    mesh.audit.entries.set(
        1,
        new AuditEntry(
            "policy", 2, "{\"action\": \"\"}", second.previousSha256(), second.sha256()));
    assertAltered("trail policy of the mesh: entry 2 is not what was hashed");
    Path none = folder.resolve("none.jsonl");
    assertThat(Cli.run(mesh, "audit", "export", none.toString()).exit()).isEqualTo(1);
    assertThat(folder).as("what was altered is no export").isDirectoryNotContaining("glob:**none*");

    mesh.audit.entries.remove(1);
    assertThat(Cli.run(mesh, "audit", "verify").exit()).isZero();
    assertAltered(
        "trail policy: 1 entry, of which " + file + " has 2: its end is gone", file.toString());

    mesh.audit.add("policy", "{\"action\": \"another\"}");
    assertAltered("trail policy: entry 2 is another than in " + file, file.toString());

    List<String> lines = Files.readAllLines(file);
    Path cut = Files.write(folder.resolve("cut.jsonl"), List.of(lines.get(1)));
    assertAltered(
        "trail policy of " + cut + ": entry 2 follows entry 0: what stood between them is gone",
        cut.toString(),
        "--offline");
  }

  private void assertAltered(String message, String... more) {
    String[] args = new String[2 + more.length];
    args[0] = "audit";
    args[1] = "verify";
    System.arraycopy(more, 0, args, 2, more.length);
    Cli.Result result = Cli.run(mesh, args);
    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.err()).contains(message);
  }

  @Test
  void theRewardServersTrailIsOneOfThemAndItsFileIsAnExport() {
    mesh.audit.add("reward", "{\"action\": \"training.start\", \"principal\": \"ada\"}");
    assertThat(Cli.run(mesh, "audit", "list", "--trail", "reward").out())
        .containsPattern("reward +1 +training.start +ada");
    assertThat(Cli.run(mesh, "audit", "verify").out()).contains("reward: 1 entry,");

    Path file = folder.resolve("reward-audit.jsonl");
    FileAudit audit = new FileAudit("reward", file, InstantSource.fixed(Instant.EPOCH));
    AuditEntry last =
        Stream.of("first", "second")
            .map(subject -> audit.append(new Act("test", "", "", subject, "", Map.of())))
            .toList()
            .getLast();
    assertThat(Cli.run(mesh, "audit", "verify", file.toString(), "--offline").out())
        .contains("reward: 2 entries, each follows the one before; the last is " + last.sha256());
  }
}
