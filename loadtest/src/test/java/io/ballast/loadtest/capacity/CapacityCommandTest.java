package io.ballast.loadtest.capacity;

import static io.ballast.loadtest.capacity.SimulationTest.figures;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.loadtest.capacity.CallFigures.CpuAt;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** {@code ./mesh capacity} says what is needed, and what is wrong with what it was told. */
class CapacityCommandTest {
  private static final CapacityFigures FIGURES =
      figures(
          Map.of(
              CallKind.SUGGESTION,
              new CallFigures(
                  CallKind.SUGGESTION,
                  28.5,
                  0.5,
                  List.of(
                      new CpuAt(
                          1,
                          Map.of(
                              Server.CALLER, 1.0,
                              Server.POLICY_SERVER, 20.0,
                              Server.REWARD_SERVER, 5.0,
                              Server.SAFETY_SERVER, 5.0,
                              Server.DATABASE, 0.5))))));

  @TempDir private Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private Path file = Path.of("");

  @BeforeEach
  void write() throws IOException {
    file = Files.writeString(folder.resolve("figures.json"), FIGURES.json());
  }

  private int run(String... options) {
    List<String> all = new ArrayList<>(List.of("--figures", file.toString(), "--calls", "5000"));
    all.addAll(List.of(options));
    return new CommandLine(new CapacityCommand())
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true))
        .execute(all.toArray(String[]::new));
  }

  @Test
  void figuresAreReadAsTheyAreWritten() {
    assertThat(CapacityFigures.parse("f", FIGURES.json())).isEqualTo(FIGURES);
  }

  @Test
  void everyServerHasItsReplicasAndOneToSpare() {
    // 200 suggestions of 20 ms are 4 cores of policy-servers, 2.2 replicas of 2 cores at 90 %
    assertThat(run("--suggestions", "200")).isZero();
    assertThat(out.toString())
        .contains("asked: 200.0 suggestions/s")
        .containsPattern("policy-server +3 \\+ 1 +8 +[67]\\d%")
        .containsPattern("reward-server +1 \\+ 1 +4 +[45]\\d%")
        .containsPattern("database +1 +4 +[23]%")
        .containsPattern("suggestion +p50 [\\d.]+ ms, p99 [\\d.]+ ± [\\d.]+ ms")
        .contains("figures of a machine, commit a commit");
  }

  @Test
  void connectionsOfReplicasAndOfTheOrchestratorAreAddedUp() throws IOException {
    CapacityFigures.Footprint footprint =
        new CapacityFigures.Footprint(
            Map.of(), 161, 0, 0, 0, Map.of(Server.POLICY_SERVER, 8, Server.SAFETY_SERVER, 3), 2);
    Files.writeString(
        file, new CapacityFigures("a machine", "a commit", FIGURES.calls(), footprint).json());

    assertThat(run("--suggestions", "200", "--versions", "3")).isZero();
    // four policy-servers of 8, two safety-servers of 3, the orchestrator's 2, and 10 to spare;
    // two further versions of 161 MiB each on four replicas are 1.3 GiB
    assertThat(out.toString())
        .contains("max_connections of 50 or more")
        .contains(
            "memory in all     1.3 GiB, loaded versions each: 3 of the policy, 2 of the reward");
  }

  @Test
  void aFurtherVersionOfTheRewardTakesMemoryOfEachReplicaThatRunsIt() throws IOException {
    CapacityFigures.Footprint footprint =
        new CapacityFigures.Footprint(
            Map.of(Server.REWARD_SERVER, 512.0), 1_024, 256, 0, 0, Map.of(), 0);
    Files.writeString(
        file, new CapacityFigures("a machine", "a commit", FIGURES.calls(), footprint).json());

    // 200 suggestions of 5 ms are 1 core: one reward-server of 2 cores and one to spare, each of
    // 512 MiB and two further versions of 256 MiB
    assertThat(run("--suggestions", "200", "--versions", "1", "--reward-versions", "3")).isZero();
    assertThat(out.toString())
        .containsPattern("reward-server +1 \\+ 1 +4 +\\d+% +2\\.0")
        .contains(
            "memory in all     2.0 GiB, loaded versions each: 1 of the policy, 3 of the reward");

    // 200 of 30 ms are 6 cores of replicas that play all servers: 3.3 of 2 cores at 90 %, so 4 and
    // one to spare, each of 512 MiB and a further version of both, 1,024 and 256 MiB
    assertThat(run("--suggestions", "200", "--together")).isZero();
    assertThat(out.toString()).containsPattern("\\+ safety-server +4 \\+ 1 +10 +\\d+% +8\\.8");

    assertThat(run("--suggestions", "1", "--reward-versions", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("reward versions: 0 (allowed: 1 to 1,000)");
  }

  @Test
  void figuresWithoutAVersionOfTheRewardAreNamed() throws IOException {
    Files.writeString(
        file, FIGURES.json().replaceFirst(" *\"reward_version_mebibytes\" : [^,]*,", ""));

    assertThat(run("--scores", "1")).isEqualTo(2);
    assertThat(err.toString())
        .contains("figures.json: footprint.reward_version_mebibytes: is missing");
  }

  @Test
  void whatReplicasBearIsATable() {
    assertThat(run("--suggestions", "1", "--replicas", "10,100", "--database-cores", "64"))
        .isZero();
    assertThat(out.toString().lines().filter(line -> line.contains("policy-server"))).hasSize(2);
  }

  @Test
  void whatCannotBeIsSaidWithExitCodeOne() {
    assertThat(run("--suggestions", "1", "--suggestion-p99", "10ms")).isEqualTo(1);
    assertThat(err.toString())
        .contains("mesh: capacity: p99 of suggestions that are alone is ")
        .contains("no number of replicas helps");
  }

  @Test
  void figuresAreNeededBySimulationsAlone() {
    CommandLine line =
        new CommandLine(new CapacityCommand())
            .addSubcommand("again", new CapacityCommand())
            .setErr(new PrintWriter(err, true));

    assertThat(line.execute("--scores", "1")).isEqualTo(2);
    assertThat(err.toString()).contains("figures: absent (expected: a FILE that ./mesh capacity");
    assertThat(line.execute("again", "--figures", file.toString(), "--scores", "1")).isZero();
  }

  @Test
  void whatIsWrongIsNamed() throws IOException {
    assertThat(run()).isEqualTo(2);
    assertThat(err.toString()).contains("demand: 0 (allowed: > 0 of one kind of call)");

    assertThat(run("--scores", "-1")).isEqualTo(2);
    assertThat(err.toString()).contains("scores a second: -1.0 (allowed: 0 to 10,000,000)");

    Files.writeString(file, FIGURES.json().replace("\"variation\" : 0.5", "\"variation\" : -1"));
    assertThat(run("--scores", "1")).isEqualTo(2);
    assertThat(err.toString()).contains("figures.json: variation: -1.0 (allowed: 0 to 10)");

    Files.writeString(file, FIGURES.json().replace("\"machine\"", "\"machines\""));
    assertThat(run("--scores", "1")).isEqualTo(2);
    assertThat(err.toString()).containsPattern("figures.json: machines?: (is missing|no such key)");

    Files.writeString(file, "{\"machine\"");
    assertThat(run("--scores", "1")).isEqualTo(2);
    assertThat(err.toString()).contains("figures.json: no JSON in line 1: ");

    Files.delete(file);
    assertThat(run("--scores", "1")).isEqualTo(2);
    assertThat(err.toString()).contains("./mesh capacity measure --json " + file + " makes them");
  }
}
