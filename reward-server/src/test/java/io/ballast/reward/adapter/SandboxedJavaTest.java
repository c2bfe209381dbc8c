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
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What the sandbox takes away is nothing that ordinary Java needs; where it can take nothing, it
 * runs nothing.
 */
class SandboxedJavaTest {
  private static final String SOURCE =
      """
      import java.util.*;
      class A {
        record Point(int x, int y) implements java.io.Serializable {}
        enum Colour { RED, GREEN }
        sealed interface Shape permits Circle, Square {}
        record Circle(double radius) implements Shape {}
        record Square(double side) implements Shape {}
        static double area(Shape shape) {
          return switch (shape) { case Circle(double r) -> Math.PI * r * r; case Square s -> s.side() * s.side(); };
        }
        static int days(String month) {
          return switch (month) { case "feb" -> 28; case "apr", "jun", "sep", "nov" -> 30; default -> 31; };
        }
      }
      """;

  private static final String TESTS =
      """
      import java.io.*; import java.math.*; import java.nio.ByteBuffer; import java.nio.charset.*;
      import java.security.*; import java.text.*; import java.time.*; import java.util.*;
      import java.util.concurrent.*; import java.util.concurrent.atomic.*; import java.util.regex.*;
      import java.util.stream.*; import java.util.zip.*;
      class T {
        static void is(Object expected, Object actual) {
          if (!Objects.equals(expected, actual)) throw new AssertionError(expected + " is not " + actual);
        }
        static void testThreads() throws Exception {
          AtomicInteger count = new AtomicInteger();
          Thread thread = new Thread(count::incrementAndGet);
          thread.start();
          thread.join();
          Thread.startVirtualThread(count::incrementAndGet).join();
          try (var pool = Executors.newFixedThreadPool(4)) { is(3, pool.submit(count::incrementAndGet).get()); }
          try (var pool = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 1000; i++) pool.submit(() -> { Thread.sleep(1); return count.incrementAndGet(); });
          }
          is(1003, count.get());
          is(7, CompletableFuture.supplyAsync(() -> 3).thenCombine(CompletableFuture.supplyAsync(() -> 4), Integer::sum).get());
          is(4950, IntStream.range(0, 100).parallel().sum());
          try (var timer = Executors.newScheduledThreadPool(1)) { is(1, timer.schedule(() -> 1, 1, TimeUnit.MILLISECONDS).get()); }
        }
        static void testLambdas() {
          is(Map.of(1, List.of("a", "b"), 2, List.of("cc")), Stream.of("a", "cc", "b").collect(Collectors.groupingBy(String::length)));
          is("b,a", Stream.of("a", "b").sorted(Comparator.reverseOrder()).collect(Collectors.joining(",")));
        }
        static void testRegex() {
          Matcher matcher = Pattern.compile("(?<year>\\\\d{4})-(\\\\d\\\\d)").matcher("on 2026-11");
          is(true, matcher.find());
          is("2026", matcher.group("year"));
          is(List.of("a", "b"), List.of("a, b".split(",\\\\s*")));
        }
        static void testSwitches() {
          is(28, A.days("feb"));
          is(30, A.days("nov"));
          is(4.0, A.area(new A.Square(2)));
          is("g", switch (A.Colour.valueOf("GREEN")) { case RED -> "r"; case GREEN -> "g"; });
        }
        static void testRecords() {
          is("Point[x=1, y=2]", new A.Point(1, 2).toString());
          is(1, Set.of(new A.Point(1, 2)).stream().filter(new HashSet<>(List.of(new A.Point(1, 2)))::contains).toList().size());
        }
        static void testResource() throws Exception {
          try (var in = ClassLoader.getSystemResourceAsStream("java/lang/Object.class")) { is(0xCAFEBABE, new DataInputStream(in).readInt()); }
          try (var in = String.class.getResourceAsStream("String.class")) { is((byte) 0xCA, (byte) in.read()); }
        }
        static void testTime() {
          is("2026-07-01T14:00+02:00[Europe/Berlin]", Instant.parse("2026-07-01T12:00:00Z").atZone(ZoneId.of("Europe/Berlin")).toString());
          is("1 Jul 2026", java.time.format.DateTimeFormatter.ofPattern("d MMM uuuu", Locale.US).format(LocalDate.of(2026, 7, 1)));
        }
        static void testNumbers() {
          is("1,234,567.50", String.format(Locale.US, "%,.2f", 1234567.5));
          is("$2.00", NumberFormat.getCurrencyInstance(Locale.US).format(2));
          is(new BigDecimal("0.3"), new BigDecimal("0.1").add(new BigDecimal("0.2")));
          is(BigInteger.valueOf(24), BigInteger.TWO.multiply(BigInteger.valueOf(12)));
          is(10, new Random(1).ints(10).toArray().length);
        }
        static void testDigestsAndChance() throws Exception {
          is("ba7816bf", HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest("abc".getBytes(StandardCharsets.UTF_8))).substring(0, 8));
          new SecureRandom().nextBytes(new byte[16]);
          UUID.randomUUID();
        }
        static void testCharsetsAndZips() throws Exception {
          is("\\u20ac", new String(new byte[] {(byte) 0x80}, Charset.forName("windows-1252")));
          var bytes = new ByteArrayOutputStream();
          try (var zip = new GZIPOutputStream(bytes)) { zip.write(1); }
          is(1, new GZIPInputStream(new ByteArrayInputStream(bytes.toByteArray())).read());
          is(8, ByteBuffer.allocateDirect(8).putLong(1).position());
        }
        static void testSerialisation() throws Exception {
          var bytes = new ByteArrayOutputStream();
          try (var out = new ObjectOutputStream(bytes)) { out.writeObject(new A.Point(1, 2)); }
          is(new A.Point(1, 2), new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject());
        }
        static void testReflection() throws Throwable {
          is(2, A.Point.class.getRecordComponents().length);
          is(3, java.lang.invoke.MethodHandles.lookup().findVirtual(String.class, "length", java.lang.invoke.MethodType.methodType(int.class)).invoke("abc"));
          Comparable<?> proxy = (Comparable<?>) java.lang.reflect.Proxy.newProxyInstance(T.class.getClassLoader(), new Class<?>[] {Comparable.class}, (p, m, a) -> 5);
          is(5, Comparable.class.getMethod("compareTo", Object.class).invoke(proxy, "x"));
        }
        static void testXmlSqlAndLogging() throws Exception {
          var document = javax.xml.parsers.DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new ByteArrayInputStream("<a b='1'/>".getBytes(StandardCharsets.UTF_8)));
          is("1", document.getDocumentElement().getAttribute("b"));
          is("2026-07-01", java.sql.Date.valueOf("2026-07-01").toString());
          java.util.logging.Logger.getLogger("x").warning("goes nowhere");
        }
        static void testStreams() {
          System.out.println("goes nowhere");
          System.err.printf("%d%n", 1);
          is(false, new Scanner(System.in).hasNext());
        }
        static int deep(int n) { return 1 + deep(n + 1); }
        static void testErrorsOfTheirOwn() {
          try { deep(0); throw new AssertionError(); } catch (StackOverflowError e) { }
          try { Object none = null; none.hashCode(); throw new AssertionError(); } catch (NullPointerException e) { is(true, e.getMessage().contains("hashCode")); }
          System.gc();
        }
      }
      """;

  @ParameterizedTest
  @EnumSource(Isolation.class)
  void ordinaryJavaRuns(Isolation isolation) throws Exception {
    try (SandboxedTests sandbox = new SandboxedTests(settings(isolation), System::nanoTime)) {
      if (isolation == Isolation.NAMESPACES && !Namespaces.run(sandbox.flaw())) {
        return;
      }
      assertThat(sandbox.run(SOURCE, TESTS, CallPatience.endless()))
          .isEqualTo(new TestReport.Ran(15, 15, ""));
    }
  }

  @Test
  void aMachineThatHasNoFilterRunsNothing(@TempDir Path folder) throws IOException {
    try (SandboxedTests elsewhere =
        new SandboxedTests(
            settings(Isolation.NONE), System::nanoTime, folder, List.of("-Dos.arch=riscv64"))) {
      String why =
          "sandbox: it cannot be closed off here: IllegalStateException no filter for riscv64"
              + " (expected: amd64, aarch64)";
      assertThat(elsewhere.flaw()).contains(why);
      assertThatThrownBy(
              () ->
                  elsewhere.run(
                      "class A {}", "class T { static void test() {} }", CallPatience.endless()))
          .isInstanceOfSatisfying(
              CannotJudge.class,
              e -> assertThat(e.fault().reason()).isEqualTo(ItemFault.Reason.MODEL_ERROR))
          .hasMessage(why);
    }
  }

  private static JavaTestSettings settings(Isolation isolation) {
    return new JavaTestSettings(
        isolation, Duration.ofSeconds(20), Duration.ofSeconds(60), 64, 64, 1);
  }
}
