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
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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
    return new SandboxedTests(settings(isolation, cpuSeconds, seconds), System::nanoTime);
  }

  private static JavaTestSettings settings(Isolation isolation, int cpuSeconds, int seconds) {
    return new JavaTestSettings(
        isolation, Duration.ofSeconds(cpuSeconds), Duration.ofSeconds(seconds), 64, 64, 2);
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
  void aLimitThatIsReachedBeforeTestsBeginSaysNothingOfTheCompletion() throws IOException {
    JavaTestSettings one =
        new JavaTestSettings(
            Isolation.NONE, Duration.ofSeconds(10), Duration.ofSeconds(60), 64, 1, 1);
    try (SandboxedTests narrow = new SandboxedTests(one, System::nanoTime)) {
      assertThat(narrow.flaw())
          .hasValue("sandbox: more than 1 threads, before its tests began"); // a JVM has some
    }
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
  void outputWithoutEndGoesNowhereAndUsesUpItsCpuTime() throws CannotJudge {
    assertThat(
            runBody(
                "var out = new java.io.FileOutputStream(java.io.FileDescriptor.out); while (true)"
                    + " out.write(new byte[10_000]);"))
        .isEqualTo(new TestReport.Failed("more than 4 s of CPU time"));
  }

  /** Each way would end in a report that says what the completion likes, or outside. */
  @Test
  void thereIsNoWayToTheReportAndNoneOut() throws Exception {
    try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      String tests =
          """
          import java.net.*; import java.nio.file.*; import java.util.*;
          class T {
            interface Act { void run() throws Throwable; }
            static void fails(Act act) {
              try { act.run(); } catch (Throwable e) { return; }
              throw new AssertionError("it could");
            }
            static Class<?> harness(String name) throws Exception {
              return Class.forName("io.ballast.reward.sandbox." + name, true, ClassLoader.getSystemClassLoader());
            }
            static void testNoUnsafe() { fails(() -> Class.forName("sun.misc.Unsafe")); }
            static void testNoUnsafeInALayerOfItsOwn() { fails(() -> {
              var found = java.lang.module.ModuleFinder.ofSystem();
              var boot = ModuleLayer.boot();
              var layer = boot.defineModulesWithOneLoader(
                  boot.configuration().resolve(found, java.lang.module.ModuleFinder.of(), Set.of("jdk.unsupported")),
                  ClassLoader.getSystemClassLoader());
              var field = layer.findLoader("jdk.unsupported").loadClass("sun.misc.Unsafe").getDeclaredField("theUnsafe");
              field.setAccessible(true);
              field.get(null).getClass().getMethod("allocateMemory", long.class).invoke(field.get(null), 8L);
            }); }
            static void testNoInternals() { fails(() -> Class.forName("jdk.internal.misc.Unsafe").getMethod("getUnsafe").invoke(null)); }
            static void testNoHeapDump() { fails(() -> Class.forName("java.lang.management.ManagementFactory")); }
            static void testNoNativeCode() { fails(() -> java.lang.foreign.Linker.nativeLinker().downcallHandle(
                java.lang.foreign.Linker.nativeLinker().defaultLookup().find("getpid").orElseThrow(),
                java.lang.foreign.FunctionDescriptor.of(java.lang.foreign.ValueLayout.JAVA_INT))); }
            static void testNoNativeMemory() { fails(() -> java.lang.foreign.MemorySegment.ofAddress(4096).reinterpret(8)); }
            static void testNoHarnessByReflection() { fails(() -> harness("TestHarness").getMethod("main", String[].class).invoke(null, (Object) new String[] {"files"})); }
            static void testNoFieldOfTheLoader() { fails(() -> T.class.getClassLoader().getClass().getDeclaredField("classes").setAccessible(true)); }
            static void testNoSystemCalls() { fails(() -> {
              var open = harness("SystemCalls").getDeclaredMethod("open");
              open.setAccessible(true);
              open.invoke(null);
            }); }
            static void testNoProcess() { fails(() -> new ProcessBuilder("/bin/true").start()); }
            static void testNoSignal() { fails(() -> { if (!ProcessHandle.current().parent().orElseThrow().destroyForcibly()) throw new Exception(); }); }
            static void testNoNetwork() { fails(() -> new Socket("127.0.0.1", %d).close()); }
            static void testNoChangeOfTheHarness() { fails(() -> {
              var path = Path.of(System.getProperty("jdk.module.path"), "io/ballast/reward/sandbox/TestHarness.class");
              Files.write(path, Files.readAllBytes(path));
            }); }
            static void testNoNewFile() { fails(() -> Files.createTempFile("a", "b")); }
            static void testNoFileGone() { fails(() -> Files.delete(Path.of(System.getProperty("jdk.module.path"), "module-info.class"))); }
            static void testNoOwnMemory() { fails(() -> new java.io.RandomAccessFile("/proc/self/mem", "rw")); }
            static void testNoOtherOutput() {
              for (int i = 0; i < 64; i++) {
                String each = "/proc/self/fd/" + i;
                fails(() -> new java.io.FileOutputStream(each));
              }
            }
          }
          """
              .formatted(server.getLocalPort());

      assertThat(run("class A {}", tests)).isEqualTo(new TestReport.Ran(17, 17, ""));
    }
  }

  @Test
  void aCompletionCannotSwitchItsTestsAssertionsOff() throws CannotJudge {
    assertThat(
            run(
                """
                class A {
                  static void run() {
                    var loader = A.class.getClassLoader();
                    loader.clearAssertionStatus();
                    loader.setClassAssertionStatus("U", false);
                    loader.setPackageAssertionStatus(null, false);
                    loader.setDefaultAssertionStatus(false);
                  }
                }
                """,
                "class T { static void testA() { A.run(); } }"
                    + " class U { static void testB() { assert false : \"wrong\"; } }"))
        .isEqualTo(new TestReport.Ran(1, 2, "testB: AssertionError wrong"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "class Arrays { static boolean equals(int[] a, int[] b) { return true; } }",
        "class Math { static double abs(double d) { return 0; } }",
        "class ArithmeticException extends RuntimeException {}",
        "class NoSuchElementException extends RuntimeException {}"
      })
  void aCompletionCannotStandInForWhatItsTestsCheckWith(String cheat) throws CannotJudge {
    String name = cheat.split(" ", 3)[1];
    assertThat(run("class A { static void run() {} } " + cheat, TESTS))
        .isEqualTo(
            new TestReport.Failed(
                "it declares " + name + ", which its tests would take for the JDK's"));
    assertThat(run("class A { static void run() {} " + cheat + " }", TESTS)) // its own affair
        .isEqualTo(new TestReport.Ran(1, 1, ""));
  }

  @Test
  void aCompilerThatBreaksSaysNothingOfTheSource() {
    String deep = "(".repeat(200_000) + "1" + ")".repeat(200_000);

    assertThatThrownBy(() -> run("class A { int x = " + deep + "; }", TESTS))
        .isInstanceOf(CannotJudge.class)
        .hasMessage(
            "sandbox: the compiler broke: IllegalStateException java.lang.StackOverflowError");
  }

  @Test
  void nothingIsLeftBehind(@TempDir Path parent) throws Exception {
    Path own = Files.createDirectory(parent.resolve("own"));
    try (SandboxedTests sandbox =
        new SandboxedTests(settings(Isolation.NONE, 10, 60), System::nanoTime, own, List.of())) {
      assertThat(sandbox.run("class A { static void run() {} }", TESTS, CallPatience.endless()))
          .isEqualTo(new TestReport.Ran(1, 1, ""));
      assertThat(own.resolve("work")).isEmptyDirectory();
    }

    assertThat(parent).isEmptyDirectory();
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

  /** Whoever leaves while it waits for its turn hands it on, and is not run. */
  @Test
  void whoHasLeftGivesItsPlaceToTheNext() throws Exception {
    CallPatience leaving =
        new CallPatience() {
          @Override
          public Optional<Duration> remaining() {
            return Optional.empty();
          }

          @Override
          public boolean cancelled() {
            return true;
          }

          @Override
          public void onCancel(Runnable action) {}
        };
    for (int i = 0; i < 3; i++) { // more than there are places
      assertThatThrownBy(() -> limited.run("class A {}", TESTS, leaving))
          .isInstanceOf(CannotJudge.class)
          .hasMessage("nobody waits for it any more");
    }
    assertThat(run("class A { static void run() {} }", TESTS))
        .isEqualTo(new TestReport.Ran(1, 1, ""));
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
    try (SandboxedTests apart = sandbox(Isolation.NAMESPACES, 4, 60);
        ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      if (!Namespaces.run(apart.flaw())) {
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
          .isEqualTo(new TestReport.Failed("more than 4 s of CPU time"));
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
