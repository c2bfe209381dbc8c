package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.runtime.Role;
import io.ballast.loadtest.bench.FreePorts;
import io.ballast.testing.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code ./mesh up --split} starts, it keeps, starts again, and {@code ./mesh down} stops. */
@Timeout(900)
class UpAndDownIT {
  private static final long PATIENCE_SECONDS = 240;

  @TempDir private static Path work = Path.of(".");
  @TempDir private Path data = Path.of(".");

  private final int port = FreePorts.inARow();
  private final int httpPort = FreePorts.inARow();

  private List<String> up(String... more) {
    List<String> words =
        new ArrayList<>(
            List.of(
                "up",
                "--split",
                "--port",
                Integer.toString(port),
                "--http-port",
                Integer.toString(httpPort),
                "--data",
                data.toString()));
    words.addAll(List.of(more));
    return words;
  }

  private static String run(List<String> words) throws IOException, InterruptedException {
    return BuiltCommand.run(work, words.toArray(String[]::new));
  }

  private String down() throws IOException, InterruptedException {
    return run(List.of("down", "--data", data.toString()));
  }

  /** The processes that the locks of the four name; fails if one has none. */
  private Map<Role, ProcessHandle> servers() throws IOException {
    Map<Role, ProcessHandle> servers = new EnumMap<>(Role.class);
    for (Role role : Role.values()) {
      Path lock = data.resolve("locks").resolve(role.label() + ".lock");
      String pid = Files.readAllLines(lock).getFirst().substring("pid=".length());
      servers.put(role, ProcessHandle.of(Long.parseLong(pid)).orElseThrow());
    }
    return servers;
  }

  private static void kill(ProcessHandle process) {
    assertThat(process.destroyForcibly()).isTrue();
    process.onExit().join();
  }

  /** Whatever a test that failed has left. */
  @AfterEach
  void leaveNothing() throws IOException {
    Path locks = data.resolve("locks");
    if (Files.exists(locks.resolve("up"))) {
      killNamed(locks.resolve("up"));
    }
    for (Role role : Role.values()) {
      killNamed(locks.resolve(role.label() + ".lock"));
    }
    Path database = data.resolve("postgres/data/postmaster.pid");
    if (Files.exists(database)) {
      ProcessHandle.of(Long.parseLong(Files.readAllLines(database).getFirst()))
          .ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  @Test
  void oneOfFourThatDiedIsStartedByUpAndDownStopsTheDatabaseThatAllHaveLeft() throws Exception {
    run(up("--detach"));
    Map<Role, ProcessHandle> before = servers();
    kill(Objects.requireNonNull(before.get(Role.REWARD_SERVER)));

    assertThat(run(up("--detach")))
        .contains("Already running, as they are: policy-server, safety-server, orchestrator")
        .contains("The mesh is up");

    Map<Role, ProcessHandle> after = servers();
    for (Role role : Role.values()) {
      ProcessHandle now = Objects.requireNonNull(after.get(role));
      assertThat(now.equals(before.get(role)))
          .as(role.label())
          .isEqualTo(role != Role.REWARD_SERVER);
      assertThat(now.isAlive()).as(role.label()).isTrue();
    }
    after.values().forEach(UpAndDownIT::kill);
    Path database = data.resolve("postgres/data/postmaster.pid");
    assertThat(database).exists();
    assertThat(down()).contains("the embedded PostgreSQL of a mesh that is gone");
    assertThat(database).doesNotExist();
  }

  @Test
  void downStopsTheUpThatStaysAndItsServers() throws Exception {
    Path output = work.resolve("up.out");
    List<String> words = new ArrayList<>(up());
    words.addFirst(BuiltMesh.home().resolve("mesh").toString());
    ProcessBuilder builder =
        new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().put("BALLAST_BUILD", "no");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process up = builder.start();
    Await.until(() -> !up.isAlive() || said(output).contains("Ctrl-C stops it."));
    assertThat(up.isAlive()).as(said(output)).isTrue();
    Map<Role, ProcessHandle> servers = servers();

    assertThat(down()).contains("stopped process " + up.pid() + ", ./mesh up");

    assertThat(up.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(said(output)).doesNotContain("starting it again");
    assertThat(servers.values()).noneMatch(ProcessHandle::isAlive);
    assertThat(data.resolve("postgres/data/postmaster.pid")).doesNotExist();
  }

  private static String said(Path output) {
    try {
      return Files.readString(output);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static void killNamed(Path lock) throws IOException {
    if (Files.exists(lock)) {
      for (String line : Files.readAllLines(lock)) {
        if (line.startsWith("pid=")) {
          ProcessHandle.of(Long.parseLong(line.substring("pid=".length())))
              .filter(UpAndDownIT::isJava)
              .ifPresent(ProcessHandle::destroyForcibly);
        }
      }
    }
  }

  /** A number that was given to another program since is not to be killed. */
  private static boolean isJava(ProcessHandle process) {
    return process.info().command().map(command -> command.endsWith("java")).orElse(false);
  }
}
