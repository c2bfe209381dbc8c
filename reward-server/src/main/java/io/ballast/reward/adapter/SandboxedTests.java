package io.ballast.reward.adapter;

import io.ballast.inference.store.ModelStore;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.reward.component.CannotJudge;
import io.ballast.reward.component.JavaTestRunner;
import io.ballast.reward.component.JavaTestSettings;
import io.ballast.reward.component.TestReport;
import io.ballast.reward.sandbox.TestHarness;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs each completion with its tests in a process of its own, so many at once. Thread-safe. */
public final class SandboxedTests implements JavaTestRunner, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SandboxedTests.class);
  private static final SecureRandom RANDOM = new SecureRandom();

  /** Killed by the limit of CPU time: 128 and SIGXCPU. */
  private static final int OUT_OF_CPU_TIME = 152;

  /** Killed by whoever needed its memory: 128 and SIGKILL. Nobody here kills it before it ended. */
  private static final int KILLED = 137;

  /** How many times an item's own time it may wait for its turn, if its caller waits for ever. */
  private static final int LONGEST_QUEUE = 100;

  private final JavaTestSettings settings;
  private final Path folder;
  private final SandboxProcess sandbox;
  private final Semaphore places;
  private final LongSupplier nanoTime;

  /**
   * Writes what the processes need into a temporary folder.
   *
   * @throws IOException if that cannot be written
   */
  public SandboxedTests(JavaTestSettings settings, LongSupplier nanoTime) throws IOException {
    this(settings, nanoTime, Files.createTempDirectory("ballast-java-tests"), List.of());
  }

  /** Takes over {@code folder}, which is empty; {@code options} are for the processes' JVMs. */
  SandboxedTests(
      JavaTestSettings settings, LongSupplier nanoTime, Path folder, List<String> options)
      throws IOException {
    this.settings = settings;
    this.folder = folder;
    this.sandbox = prepared(options);
    this.places = new Semaphore(settings.atOnce(), true);
    this.nanoTime = nanoTime;
  }

  private SandboxProcess prepared(List<String> options) throws IOException {
    try {
      return new SandboxProcess(settings, folder, options);
    } catch (IOException e) {
      close();
      throw e;
    }
  }

  /** Says why this machine cannot run tests as the settings demand; empty if it can. */
  public Optional<String> flaw() {
    try {
      TestReport report =
          run("class A {}", "class T { static void test() {} }", CallPatience.endless());
      return report.equals(new TestReport.Ran(1, 1, ""))
          ? Optional.empty()
          : Optional.of("a test that passes did not: " + report);
    } catch (CannotJudge e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public TestReport run(String source, String tests, CallPatience patience) throws CannotJudge {
    takePlace(patience);
    try {
      Process process = sandbox.start();
      try {
        return watch(process, source, tests, patience);
      } finally {
        kill(process);
      }
    } catch (IOException e) {
      throw broken("no process: " + e.getMessage());
    } finally {
      places.release();
    }
  }

  /** In the order of arrival. Whoever left meanwhile gives its place back when its turn comes. */
  private void takePlace(CallPatience patience) throws CannotJudge {
    Duration most = settings.time().multipliedBy(LONGEST_QUEUE);
    Duration limit = patience.remaining().filter(left -> left.compareTo(most) < 0).orElse(most);
    boolean free;
    try {
      free = places.tryAcquire(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CannotJudge(ItemFault.Reason.CANCELLED, "the server stops");
    }
    if (patience.cancelled()) {
      if (free) {
        places.release();
      }
      throw new CannotJudge(ItemFault.Reason.CANCELLED, "nobody waits for it any more");
    }
    if (!free) {
      throw new CannotJudge(
          ItemFault.Reason.DEADLINE,
          "no place became free (%d run at once)".formatted(settings.atOnce()));
    }
  }

  private TestReport watch(Process process, String source, String tests, CallPatience patience)
      throws CannotJudge {
    String secret = secret();
    SandboxOutput output = new SandboxOutput(process, secret);
    send(process, secret, source, tests);
    SandboxWatch watch = new SandboxWatch(process, settings, nanoTime);
    SandboxWatch.End end = watch.until(patience);
    kill(process);
    output.await();
    return report(output, end, process);
  }

  private TestReport report(SandboxOutput output, SandboxWatch.End end, Process process)
      throws CannotJudge {
    Optional<TestReport> said = said(output);
    if (said.isPresent()) {
      return said.get();
    }
    boolean begun = output.has(TestHarness.BEGUN);
    return switch (end) {
      case LEFT ->
          throw new CannotJudge(ItemFault.Reason.CANCELLED, "nobody waits for it any more");
      case TIME ->
          throw new CannotJudge(
              ItemFault.Reason.DEADLINE,
              "not done after %,d ms on the clock".formatted(settings.time().toMillis()));
      case THREADS -> over("more than %d threads".formatted(settings.threads()), begun);
      case MEMORY -> over("more memory than it may have", begun);
      case EXIT -> {
        int code = process.exitValue();
        if (!output.has(TestHarness.READY)) {
          throw broken("it did not start (exit code %d): %s".formatted(code, output.words()));
        }
        if (code == KILLED) {
          throw broken("it was killed from outside");
        }
        if (code == OUT_OF_CPU_TIME) {
          yield over("more than %d s of CPU time".formatted(settings.cpuTime().toSeconds()), begun);
        }
        if (!begun) {
          throw broken("the compiler's process ended (exit code %d)".formatted(code));
        }
        yield new TestReport.Failed("ended before its tests did (exit code %d)".formatted(code));
      }
    };
  }

  /** What the JVM and its compiler take before the tests begin is not the completion's doing. */
  private static TestReport over(String limit, boolean begun) throws CannotJudge {
    if (!begun) {
      throw broken(limit + ", before its tests began");
    }
    return new TestReport.Failed(limit);
  }

  private static Optional<TestReport> said(SandboxOutput output) throws CannotJudge {
    Optional<String> unguarded = output.after(TestHarness.UNGUARDED);
    if (unguarded.isPresent()) {
      throw broken("it cannot be closed off here: " + unguarded.get());
    }
    Optional<String> broken = output.after(TestHarness.BROKEN);
    if (broken.isPresent()) {
      throw broken("the compiler broke: " + broken.get());
    }
    Optional<String> flaw = output.after(TestHarness.NOT_COMPILED);
    if (flaw.isPresent()) {
      return Optional.of(new TestReport.Failed(flaw.get()));
    }
    if (output.has(TestHarness.NO_TESTS)) {
      return Optional.of(new TestReport.NoTests());
    }
    return output
        .after(TestHarness.RAN)
        .map(words -> words.split(" ", 3))
        .map(
            words ->
                new TestReport.Ran(
                    Integer.parseInt(words[0]), Integer.parseInt(words[1]), words[2].strip()));
  }

  private static void send(Process process, String secret, String source, String tests) {
    try (DataOutputStream out = new DataOutputStream(process.getOutputStream())) {
      out.writeUTF(secret);
      for (String text : new String[] {source, tests}) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
      }
    } catch (IOException e) {
      LOG.debug("a sandbox ended before it had read its tests", e); // its exit code says more
    }
  }

  private static String secret() {
    byte[] bytes = new byte[32];
    RANDOM.nextBytes(bytes);
    return HexFormat.of().formatHex(bytes);
  }

  private static CannotJudge broken(String why) {
    return new CannotJudge(ItemFault.Reason.MODEL_ERROR, "sandbox: " + why);
  }

  /** The process and all that it has started; in a namespace of its own, none outlives it. */
  private static void kill(Process process) {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  /** Deletes the temporary folder; processes end with their calls. */
  @Override
  public void close() {
    try {
      ModelStore.deleteAll(folder);
    } catch (IOException e) {
      LOG.warn("the sandbox's folder cannot be deleted: {}", e.getMessage());
    }
  }
}
