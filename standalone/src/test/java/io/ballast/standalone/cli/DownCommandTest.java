package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** down stops what uses a data folder: whoever stays with the mesh before the mesh itself. */
class DownCommandTest {
  private static final long PATIENCE_SECONDS = 60;

  /** PostgreSQL's own, which goes last. */
  private static final String PROCESS_FILE = "postmaster.pid";

  @TempDir private Path folder = Path.of(".");
  private Process up;
  private Process server;

  @BeforeEach
  void start() throws IOException {
    up = new ProcessBuilder("cat").start(); // lives until it is stopped, or this process ends
    server = new ProcessBuilder("cat").start();
    Files.createDirectories(locks());
  }

  @AfterEach
  void stop() {
    up.destroyForcibly();
    server.destroyForcibly();
  }

  private Path locks() {
    return folder.resolve(".ballast/locks");
  }

  /** A server's lock, held for as long as the channel is open, in the name of another process. */
  private FileChannel held(Process process) throws IOException {
    Path file = locks().resolve("reward-server.lock");
    Files.writeString(file, "pid=%d\nport=9101\nhttp-port=9181\n".formatted(process.pid()));
    FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
    assertThat(channel.tryLock()).isNotNull();
    return channel;
  }

  @Test
  void whoStartsServersAgainIsStoppedBeforeThem() throws Exception {
    try (Supervision kept = Supervision.claim(folder.resolve(".ballast"), up.pid());
        FileChannel lock = held(server)) {
      Cli.Result result = Cli.run(folder, Map.of(), "down");

      assertThat(result.err()).isEmpty();
      assertThat(result.exit()).isZero();
      assertThat(result.out().lines())
          .containsExactly(
              "stopped process " + up.pid() + ", ./mesh up", "stopped process " + server.pid());
    }
    assertThat(up.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(server.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void whileItStillStartsTheServersItIsStoppedToo() throws Exception {
    try (Supervision kept = Supervision.claim(folder.resolve(".ballast"), up.pid())) {
      assertThat(Cli.run(folder, Map.of(), "down").out().lines())
          .containsExactly("stopped process " + up.pid() + ", ./mesh up");
    }
    assertThat(up.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void theDatabaseOfAMeshThatWasKilledIsStopped() throws Exception {
    Path files = folder.resolve(".ballast/postgres/data");
    EmbeddedPostgres database =
        EmbeddedPostgres.builder()
            .setDataDirectory(files)
            .setCleanDataDirectory(false)
            .setRegisterShutdownHook(false)
            .start();
    long process = Long.parseLong(Files.readAllLines(files.resolve(PROCESS_FILE)).getFirst());
    try {
      Cli.Result result = Cli.run(folder, Map.of(), "down");

      assertThat(result.err()).isEmpty();
      assertThat(result.exit()).isZero();
      assertThat(result.out().lines())
          .containsExactly(
              "stopped process " + process + ", the embedded PostgreSQL of a mesh that is gone");
      assertThat(files.resolve(PROCESS_FILE)).doesNotExist();
      assertThat(Cli.run(folder, Map.of(), "down").exit()).isEqualTo(3);
    } finally {
      if (Files.exists(files.resolve(PROCESS_FILE))) {
        database.close();
      }
    }
  }

  @Test
  void aFolderIsKeptByOneUpAndIsFreeOnceThatHasEnded() throws IOException {
    Path data = folder.resolve(".ballast");
    try (Supervision kept = Supervision.claim(data, up.pid())) {
      assertThatThrownBy(() -> Supervision.claim(data, server.pid()))
          .isInstanceOf(CommandFailure.class)
          .hasMessage(
              "process %d, ./mesh up, keeps the mesh of %s running; ./mesh down stops both, or"
                      .formatted(up.pid(), data)
                  + " choose another folder with --data");
      assertThat(Supervision.holder(data)).map(ProcessHandle::pid).contains(up.pid());
    }
    assertThat(Supervision.holder(data)).isEmpty();
    try (Supervision again = Supervision.claim(data, server.pid())) {
      assertThat(Supervision.holder(data)).map(ProcessHandle::pid).contains(server.pid());
    }
  }
}
