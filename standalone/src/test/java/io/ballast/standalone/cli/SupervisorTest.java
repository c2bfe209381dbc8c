package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.standalone.process.ServerPlan.Server;
import io.ballast.testing.Await;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Who stays with four processes starts again what ends, until it is told to stop. */
class SupervisorTest {
  private static final long PATIENCE_SECONDS = 60;

  /** A server that lives until it is told to stop. */
  private static final String LIVES = "exec tail -f /dev/null";

  /** A server that ends at once, and says which of its starts that was. */
  private static final String COUNTS =
      "echo start >> %1$s; echo start $(grep -c start %1$s); exit 3";

  @TempDir private Path folder = Path.of(".");

  private final StringWriter out = new StringWriter();
  private final AtomicLong now = new AtomicLong();

  /** What a command prints with. */
  @Command
  private static final class Printer {
    @Mixin private Printing printing = new Printing();
  }

  private Supervisor supervisor(boolean split) {
    return supervisor(split, now::get);
  }

  private Supervisor supervisor(boolean split, LongSupplier nanoTime) {
    Printer printer = new Printer();
    new CommandLine(printer).setOut(new PrintWriter(out, true));
    return new Supervisor(split, printer.printing, nanoTime);
  }

  private Server server(String name, String script) {
    return new Server(
        name,
        List.of("sh", "-c", script),
        folder.resolve("logs").resolve(name + ".out"),
        folder.resolve("tmp").resolve(name),
        9101,
        9181);
  }

  @Test
  void oneOfFourThatEndsIsStartedAgainAndNoneOnceAllAreStopped() throws Exception {
    Path first = folder.resolve("first");
    Supervisor supervisor = supervisor(true);
    String endsOnce =
        "if [ -e %s ]; then %s; fi; : > %s; echo why; exit 3".formatted(first, LIVES, first);
    supervisor.start(server("reward-server", endsOnce), false);
    supervisor.start(server("orchestrator", LIVES), false);
    long orchestrator = supervisor.running().get(1).process().pid();
    CompletableFuture<Integer> end = staying(supervisor);
    Await.until(() -> out.toString().contains("starting it again"));
    now.addAndGet(Duration.ofSeconds(1).toNanos());
    Await.until(() -> supervisor.running().getFirst().process().isAlive());

    supervisor.stop();

    assertThat(end.get(PATIENCE_SECONDS, TimeUnit.SECONDS)).isZero();
    assertThat(out.toString().lines())
        .startsWith(
            "reward-server ended with exit code 3; starting it again in 1 s; its last words are"
                + " then in "
                + folder.resolve("logs").resolve("reward-server.out.1"));
    assertThat(folder.resolve("logs").resolve("reward-server.out.1")).hasContent("why");
    assertThat(supervisor.running().get(1).process().pid()).isEqualTo(orchestrator);
    assertThat(supervisor.running()).noneMatch(each -> each.process().isAlive());
    assertThatThrownBy(() -> supervisor.start(server("orchestrator", LIVES), false))
        .isInstanceOf(CommandFailure.class);
  }

  @Test
  void oneThatEndsAgainAndAgainStopsTheMesh() throws Exception {
    // each look at the clock is 16 s after the one before it, the longest wait
    Supervisor supervisor = supervisor(true, () -> now.getAndAdd(Duration.ofSeconds(16).toNanos()));
    supervisor.start(server("orchestrator", LIVES), false);
    supervisor.start(server("reward-server", COUNTS.formatted(folder.resolve("starts"))), false);

    assertThatThrownBy(supervisor::stay)
        .isInstanceOf(CommandFailure.class)
        .hasMessage(
            "reward-server ended with exit code 3; it was started again 5 times within 10 minutes,"
                + " and the mesh is stopped; its log is "
                + folder.resolve("logs").resolve("reward-server.out"));
    Path logs = folder.resolve("logs");
    assertThat(out.toString().lines().filter(line -> line.contains("; starting it again")))
        .containsExactlyElementsOf(
            IntStream.of(1, 2, 4, 8, 16)
                .mapToObj(
                    seconds ->
                        ("reward-server ended with exit code 3; starting it again in %d s; its"
                                + " last words are then in %s.1")
                            .formatted(seconds, logs.resolve("reward-server.out")))
                .toList());
    assertThat(logs.resolve("reward-server.out")).hasContent("start 6");
    assertThat(logs.resolve("reward-server.out.5")).hasContent("start 1"); // why it first ended
    assertThat(supervisor.running()).noneMatch(each -> each.process().isAlive());
  }

  @Test
  void aStopDoesNotWaitForAServerThatWaitsToBeStartedAgain() throws Exception {
    Path starts = folder.resolve("starts");
    Supervisor supervisor = supervisor(true); // its clock stands still, and the wait never ends
    supervisor.start(server("reward-server", COUNTS.formatted(starts)), false);
    supervisor.start(server("orchestrator", LIVES), false);
    CompletableFuture<Integer> end = staying(supervisor);
    Await.until(() -> out.toString().contains("starting it again in 1 s"));

    supervisor.stop();

    assertThat(end.get(PATIENCE_SECONDS, TimeUnit.SECONDS)).isZero();
    assertThat(starts).hasContent("start");
    assertThat(supervisor.running()).noneMatch(each -> each.process().isAlive());
  }

  @Test
  void theOneProcessOfAMeshIsNotStartedAgain() throws Exception {
    Supervisor supervisor = supervisor(false);
    supervisor.start(server("mesh", "exit 7"), false);

    assertThatThrownBy(supervisor::stay)
        .isInstanceOf(CommandFailure.class)
        .hasMessage(
            "mesh ended with exit code 7; its log is "
                + folder.resolve("logs").resolve("mesh.out"));
  }

  private static CompletableFuture<Integer> staying(Supervisor supervisor) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return supervisor.stay();
          } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
          }
        },
        Thread::startVirtualThread);
  }
}
