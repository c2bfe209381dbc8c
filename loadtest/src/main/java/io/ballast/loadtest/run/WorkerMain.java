package io.ballast.loadtest.run;

import io.ballast.loadtest.call.Credentials;
import io.ballast.loadtest.openloop.SystemPacer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * A process that sends its part of a load. It reads its order, says when it is ready, waits for the
 * word so that all begin together, sends, and writes what it saw. Whoever started it and goes away
 * ends it, in the midst of a load too.
 */
public final class WorkerMain {
  /** It is ready; what it manages follows. */
  static final String READY = "READY ";

  /** The mesh did not answer: {@code true} if nothing is there at all, and why. */
  static final String REFUSED = "REFUSED ";

  /** The word. */
  static final String GO = "GO";

  private static final int LEFT_ALONE = 1;

  private WorkerMain() {}

  /** Runs one part of a load. */
  public static void main(String[] args) throws IOException {
    Logger.getLogger("").setLevel(Level.WARNING);
    ProcessHandle.current().parent().ifPresent(WorkerMain::leaveWith);
    serve(
        new InputStreamReader(System.in, StandardCharsets.UTF_8),
        new PrintStream(System.out, true, StandardCharsets.UTF_8),
        Credentials.of(System.getenv()));
  }

  private static void leaveWith(ProcessHandle parent) {
    var unused = parent.onExit().thenRun(() -> Runtime.getRuntime().halt(LEFT_ALONE));
  }

  static void serve(Reader orders, PrintStream answers, Credentials credentials)
      throws IOException {
    BufferedReader in = new BufferedReader(orders);
    String line = in.readLine();
    if (line == null) {
      return;
    }
    WorkerOrder order = WorkerOrder.of(line, credentials);
    try (Worker worker =
        Worker.ready(
            order.scenario(),
            order.number(),
            order.processes(),
            new SystemPacer(),
            InstantSource.system(),
            order.place())) {
      answers.println(READY + worker.ceiling());
      if (GO.equals(in.readLine())) {
        answers.println(worker.send().json());
      }
    } catch (RefusedLoadException e) {
      answers.println(REFUSED + e.unreachable() + " " + e.getMessage());
    }
  }
}
