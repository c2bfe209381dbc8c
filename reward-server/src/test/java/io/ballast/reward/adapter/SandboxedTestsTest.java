package io.ballast.reward.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.reward.component.CannotJudge;
import io.ballast.reward.component.JavaTestSettings;
import io.ballast.reward.component.JavaTestSettings.Isolation;
import io.ballast.reward.component.TestReport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What does not pass its tests is never said to have passed, whatever it tries. Limits hold without
 * namespaces too; where the machine has them, tests see nothing of it.
 */
class SandboxedTestsTest {
  private static final String TESTS = "class T { static void testIt() { A.run(); } }";

  private static SandboxedTests limited;

  @BeforeAll
  static void start() throws IOException {
    limited = sandbox(Isolation.NONE, 4, 60);
  }

  @AfterAll
  static void stop() {
    limited.close();
  }

  private static SandboxedTests sandbox(Isolation isolation, int cpuSeconds, int seconds)
      throws IOException {
    return new SandboxedTests(
        new JavaTestSettings(
            isolation, Duration.ofSeconds(cpuSeconds), Duration.ofSeconds(seconds), 64, 64, 2),
        System::nanoTime);
  }

  private static TestReport run(String source, String tests) throws CannotJudge {
    return limited.run(source, tests, CallPatience.endless());
  }

  private static TestReport runBody(String body) throws CannotJudge {
    return run(wrapped(body), TESTS);
  }

  private static String wrapped(String body) {
    return "class A { static void run() { try { act(); } catch (Exception e) { throw new"
        + " IllegalStateException(e); } } static void act() throws Exception { "
        + body
        + " } }";
  }

  @Test
  void eachTestPassesOrNot() throws CannotJudge {
    TestReport report =
        run(
            "public class Sum { static int of(int a, int b) { return a + b; } }",
            """
            import static java.util.Objects.hash;
            public class SumTest {
              static void testSmall() { assert Sum.of(1, 2) == 3; }
              static void testWrong() { assert Sum.of(1, 2) == 4 : "3 is not 4"; }
              static private void testZero() { if (Sum.of(0, 0) != 0) throw new AssertionError(); }
              static void help() { throw new AssertionError(); }
              void testOfAnObject() { throw new AssertionError(); }
            }
            """);

    assertThat(report).isEqualTo(new TestReport.Ran(2, 3, "testWrong: AssertionError 3 is not 4"));
    assertThat(run("class A { static void run() {} }", TESTS))
        .isEqualTo(new TestReport.Ran(1, 1, ""));
  }

  @Test
  void whatDoesNotCompileHasNotPassed() throws CannotJudge {
    assertThat(run("class A { static void run() { int x = y; } }", TESTS))
        .isInstanceOfSatisfying(
            TestReport.Failed.class,
            failed -> assertThat(failed.why()).contains("line 1: ", "find symbol"));
    assertThat(run("class A {}", TESTS))
        .isInstanceOfSatisfying(
            TestReport.Failed.class,
            failed -> assertThat(failed.why()).startsWith("against the tests, line 1: "));
    assertThat(run("class A { static void run() {} } class T {}", TESTS))
        .isInstanceOf(TestReport.Failed.class);
    assertThat(run("class A {}", "class T { void testIt() {} }"))
        .isEqualTo(new TestReport.NoTests());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "System.exit(0);",
        "Runtime.getRuntime().halt(0);",
        // all that a report looks like, but for the secret
        "var out = new java.io.FileOutputStream(java.io.FileDescriptor.out); out.write(\"\\n"
            + " begun \\n ran 1 1 \\nran 1 1 \\n\".getBytes()); out.flush(); System.exit(0);"
      })
  void whoLeavesBeforeTheTestsHasNotPassed(String body) throws CannotJudge {
    assertThat(runBody(body))
        .isEqualTo(new TestReport.Failed("ended before its tests did (exit code 0)"));
  }

  @Test
  void whoLeavesWhileItIsLoadedHasNotPassed() throws CannotJudge {
    assertThat(run("class A { static { System.exit(0); } static void run() {} }", TESTS))
        .isEqualTo(new TestReport.Failed("ended before its tests did (exit code 0)"));
  }

  @Test
  void aLoopWithoutEndUsesUpItsCpuTime() throws CannotJudge {
    assertThat(runBody("while (true) {}"))
        .isEqualTo(new TestReport.Failed("more than 4 s of CPU time"));
  }

  @Test
  void whatOnlyWaitsIsLateAndHasNoValue() throws IOException {
    try (SandboxedTests impatient = sandbox(Isolation.NONE, 30, 4)) {
      assertFault(
          impatient,
          "Thread.sleep(1_000_000);",
          ItemFault.Reason.DEADLINE,
          "not done after 4,000 ms on the clock");
    }
  }

  @Test
  void threadsWithoutEndAreStopped() throws CannotJudge {
    assertThat(
            runBody(
                "while (true) { new Thread(() -> { try { Thread.sleep(1_000_000); } catch"
                    + " (InterruptedException e) {} }).start(); }"))
        .isEqualTo(new TestReport.Failed("more than 64 threads"));
  }

  @Test
  void memoryWithoutEndIsAnErrorOfItsTest() throws CannotJudge {
    assertThat(
            runBody(
                "var all = new java.util.ArrayList<long[]>(); while (true) all.add(new"
                    + " long[1_000_000]);"))
        .isInstanceOfSatisfying(
            TestReport.Ran.class,
            ran -> {
              assertThat(ran.passed()).isZero();
              assertThat(ran.firstFailure()).startsWith("testIt: OutOfMemoryError");
            });
  }

  @Test
  void outputWithoutEndIsStopped() throws CannotJudge {
    assertThat(runBody("while (true) System.out.println(\"x\".repeat(1000));"))
        .isEqualTo(new TestReport.Failed("more than 4 s of CPU time"));
    assertThat(
            runBody(
                "var out = new java.io.FileOutputStream(java.io.FileDescriptor.out); while (true)"
                    + " out.write(new byte[10_000]);"))
        .isEqualTo(new TestReport.Failed("more output than it may write"));
  }

  @Test
  void aCompilerThatBreaksSaysNothingOfTheSource() {
    String deep = "(".repeat(200_000) + "1" + ")".repeat(200_000);

    assertThatThrownBy(() -> run("class A { int x = " + deep + "; }", TESTS))
        .isInstanceOf(CannotJudge.class)
        .hasMessage("sandbox: the compiler broke: IllegalStateException no error told");
  }

  @Test
  void nothingIsLeftBehind() throws Exception {
    SandboxedTests sandbox = sandbox(Isolation.NONE, 10, 60);
    Path[] before = folders();
    TestReport report =
        sandbox.run(
            "class A { static void run() { try { var dir ="
                + " java.nio.file.Files.createDirectory(java.nio.file.Path.of(\"d\"));"
                + " java.nio.file.Files.writeString(dir.resolve(\"f\"), \"x\");"
                + " dir.toFile().setReadable(false); dir.toFile().setExecutable(false); } catch"
                + " (Exception e) { throw new IllegalStateException(e); } } }",
            TESTS,
            CallPatience.endless());
    assertThat(report).isEqualTo(new TestReport.Ran(1, 1, ""));
    sandbox.close();

    assertThat(folders()).hasSize(before.length - 1);
  }

  private static Path[] folders() throws IOException {
    try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("ballast-java-tests"))
          .toArray(Path[]::new);
    }
  }

  @Test
  void whenNobodyWaitsTheProcessEnds() throws Exception {
    CallPatience leaving =
        new CallPatience() {
          @Override
          public Optional<Duration> remaining() {
            return Optional.empty();
          }

          @Override
          public boolean cancelled() {
            return ProcessHandle.current().descendants().anyMatch(SandboxedTestsTest::isJava);
          }

          @Override
          public void onCancel(Runnable action) {}
        };

    assertThatThrownBy(
            () -> limited.run("class A { static void run() { while (true) {} } }", TESTS, leaving))
        .isInstanceOfSatisfying(
            CannotJudge.class,
            e -> assertThat(e.fault().reason()).isEqualTo(ItemFault.Reason.CANCELLED));
    for (ProcessHandle each :
        ProcessHandle.current().descendants().filter(SandboxedTestsTest::isJava).toList()) {
      each.onExit().get();
    }
  }

  private static boolean isJava(ProcessHandle process) {
    return process.info().command().orElse("").endsWith("/java");
  }

  /** A machine without namespaces must say so, and run nothing. */
  @Test
  void testsSeeNothingOfTheMachine() throws Exception {
    Path outside = Files.createTempDirectory("outside");
    Path secret = Files.writeString(outside.resolve("secret"), "x");
    Path written = Path.of("/var/tmp", "ballast-" + UUID.randomUUID());
    try (SandboxedTests apart = sandbox(Isolation.NAMESPACES, 10, 60);
        ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      Optional<String> flaw = apart.flaw();
      if (flaw.isPresent()) {
        assertThat(flaw.get()).startsWith("sandbox: it did not start (exit code ");
        return;
      }
      String tests =
          """
          import java.net.*; import java.nio.file.*; import java.util.*;
          class T {
            interface Act { void run() throws Exception; }
            static void fails(Act act) {
              try { act.run(); } catch (Exception e) { return; }
              throw new AssertionError("it could");
            }
            static void testNoFile() { fails(() -> Files.readString(Path.of("%s"))); }
            static void testNoUsers() { fails(() -> Files.readString(Path.of("/etc/passwd"))); }
            static void testNoWrite() { fails(() -> Files.writeString(Path.of("%s"), "x")); }
            static void testNoSystem() { fails(() -> Files.writeString(Path.of("/usr/x"), "x")); }
            static void testNoNetwork() { fails(() -> new Socket("127.0.0.1", %d).close()); }
            static void testNoProcesses() {
              fails(() -> { if (ProcessHandle.allProcesses().count() == 0) throw new Exception(); });
            }
            static void testNoEnvironment() {
              if (!System.getenv().keySet().equals(Set.of("LD_LIBRARY_PATH"))) throw new AssertionError(System.getenv());
            }
            static void testOwnFolder() throws Exception { Files.writeString(Path.of("/own/file"), "x"); }
          }
          """
              .formatted(secret, written, server.getLocalPort());

      assertThat(apart.run("class A {}", tests, CallPatience.endless()))
          .isEqualTo(new TestReport.Ran(8, 8, ""));
      assertThat(written).doesNotExist();
      assertThat(
              apart.run(
                  "class A { static void run() { while (true) {} } }",
                  TESTS,
                  CallPatience.endless()))
          .isEqualTo(new TestReport.Failed("more than 10 s of CPU time"));
    } finally {
      Files.deleteIfExists(secret);
      Files.deleteIfExists(outside);
    }
  }

  private static void assertFault(
      SandboxedTests sandbox, String body, ItemFault.Reason reason, String message) {
    assertThatThrownBy(() -> sandbox.run(wrapped(body), TESTS, CallPatience.endless()))
        .isInstanceOfSatisfying(
            CannotJudge.class,
            e -> {
              assertThat(e.fault().reason()).isEqualTo(reason);
              assertThat(e.getMessage()).isEqualTo(message);
            });
  }
}
