package io.ballast.kit.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.testing.Await;
import io.ballast.testing.FaultProxy;
import io.ballast.testing.FaultProxy.Cut;
import io.ballast.testing.FaultProxy.Down;
import io.ballast.testing.FaultProxy.Latency;
import io.ballast.testing.FaultProxy.Silence;
import io.ballast.testing.FaultProxy.Stall;
import io.ballast.testing.FaultProxy.Toxic;
import io.ballast.testing.FaultProxy.Trickle;
import io.grpc.Context;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jdbi.v3.core.ConnectionException;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A PostgreSQL behind a bad network, or without room: every call ends in time and typed, nothing
 * that was acknowledged is lost, and when the fault is over calls succeed again.
 */
@Timeout(60)
class PostgresThroughFaultsTest {
  private static final int CONNECTIONS = 4;
  private static final PostgresSettings SETTINGS =
      new PostgresSettings(CONNECTIONS, Duration.ofMillis(300), Duration.ofMillis(600));

  /** The longest of a call: for a connection, for the answer; and what a busy machine adds. */
  private static final Duration LONGEST_CALL = Duration.ofMillis(300 + 600 + 1_500);

  private static final Duration LONGEST_RECOVERY = Duration.ofSeconds(5);

  /** Of one file: more than a segment of the write-ahead log, and not whole pages. */
  private static final int ROOM_BYTES = (18 << 20) + 100;

  private static final StatusMapper MAPPER = new StatusMapper("test");

  @TempDir static Path folder;
  private static Postgres server;

  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private FaultProxy proxy;
  private Postgres postgres;
  private Jdbi ledger;

  @BeforeAll
  static void start() {
    server =
        Postgres.embedded(
            folder.resolve("postgres"),
            folder.resolve("postgres.log"),
            SETTINGS,
            new SimpleMeterRegistry());
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @BeforeEach
  void connect() {
    proxy = FaultProxy.to(port(), 11);
    postgres = Postgres.at(through(proxy), SETTINGS, meters);
    ledger = postgres.schema("ledger").jdbi();
    // on a busy machine the first connection may take longer than a call waits for it
    var unused = untilItSucceeds(() -> ledger.useHandle(h -> h.execute("delete from entry")));
  }

  @AfterEach
  void disconnect() {
    proxy.close();
    postgres.close();
  }

  private static int port() {
    return Integer.parseInt(server.address().url().replaceAll(".*:(\\d+)/.*", "$1"));
  }

  private static PostgresAddress through(FaultProxy proxy) {
    return new PostgresAddress(
        "jdbc:postgresql://127.0.0.1:%d/postgres".formatted(proxy.port()),
        server.address().user(),
        server.address().password());
  }

  static Stream<Toxic> toxics() {
    return Stream.of(new Silence(), new Stall(), new Trickle(20), new Cut(5), new Down());
  }

  private void add(String text) {
    ledger.useHandle(h -> h.execute("insert into entry (text) values (?)", text));
  }

  private List<String> texts() {
    return ledger.withHandle(
        h -> h.createQuery("select text from entry order by id").mapTo(String.class).list());
  }

  /** Says how long {@code call} took, which must fail as one that a caller can wait out. */
  private static Duration failing(Callable<?> call) {
    long begin = System.nanoTime();
    Throwable thrown = catchThrowable(call::call);
    Duration took = Duration.ofNanos(System.nanoTime() - begin);
    assertThat(thrown).isNotNull();
    assertTyped(thrown);
    return took;
  }

  private static void assertTyped(Throwable thrown) {
    assertThat(MAPPER.judge(thrown, Context.ROOT).fault())
        .as("%s", thrown)
        .isEqualTo(Fault.DEPENDENCY_DOWN);
  }

  /** Says how long it takes until a call succeeds; those before it must fail typed. */
  private Duration recovery() {
    return untilItSucceeds(() -> add("afterwards"));
  }

  private static Duration untilItSucceeds(ThrowingCallable call) {
    long begin = System.nanoTime();
    while (true) {
      Throwable thrown = catchThrowable(call);
      if (thrown == null) {
        return Duration.ofNanos(System.nanoTime() - begin);
      }
      assertTyped(thrown);
    }
  }

  /** A connection, for which a call may have to be made again on a busy machine. */
  private Handle opened() {
    while (true) {
      try {
        return ledger.open();
      } catch (ConnectionException e) {
        if (Thread.currentThread().isInterrupted()) {
          throw e;
        }
        assertTyped(e);
      }
    }
  }

  /** Opens every connection that the pool may have. */
  private void fillThePool() throws Exception {
    CountDownLatch all = new CountDownLatch(CONNECTIONS);
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> held = new ArrayList<>();
      for (int i = 0; i < CONNECTIONS; i++) {
        held.add(
            callers.submit(
                () -> {
                  try (Handle connection = opened()) {
                    all.countDown();
                    all.await();
                    return connection.execute("select 1");
                  }
                }));
      }
      for (Future<?> each : held) {
        each.get();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("toxics")
  void aFaultEndsInTimeAndTypedAndIsOverSoonAfterwards(Toxic toxic) throws Exception {
    fillThePool();
    add("before");
    proxy.apply(toxic);

    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Duration>> calls = new ArrayList<>();
      for (int i = 0; i < 2 * CONNECTIONS; i++) {
        calls.add(callers.submit(() -> failing(this::texts)));
      }
      for (Future<Duration> call : calls) {
        assertThat(call.get()).isLessThan(LONGEST_CALL);
      }
    }
    assertThat(postgres.isReachable()).isFalse();

    proxy.heal();
    assertThat(recovery()).isLessThan(LONGEST_RECOVERY);
    assertThat(texts()).containsExactly("before", "afterwards");
    Await.until(postgres::isReachable);
  }

  @Test
  void aPoolOfConnectionsThatAreDeadWithoutAWordIsReplacedSoon() throws Exception {
    fillThePool();
    proxy.orphan();

    assertThat(recovery()).isLessThan(LONGEST_RECOVERY);
    assertThat(texts()).containsExactly("afterwards");
  }

  @Test
  void aTransactionWhoseConnectionDiedWithoutAWordKeepsNoLock() {
    Jdbi other = server.schema("ledger").jdbi();
    Handle dead = ledger.open();
    dead.begin();
    dead.execute("lock table entry in access exclusive mode");
    proxy.orphan();

    Await.until(
        () -> catchThrowable(() -> other.useHandle(h -> h.execute("select 1 from entry"))) == null);

    assertThat(catchThrowable(dead::close)).as("it hears of it").isNotNull();
    assertThat(recovery()).isLessThan(LONGEST_RECOVERY);
    assertThat(texts()).containsExactly("afterwards");
  }

  @Test
  void latencyIsNoFault() {
    proxy.apply(new Latency(Duration.ofMillis(40), Duration.ofMillis(20)));

    add("late");

    assertThat(texts()).containsExactly("late");
    Await.until(postgres::isReachable);
  }

  @Test
  void aResetEndsWhatIsUnderWayAndNoMore() throws Exception {
    CountDownLatch underWay = new CountDownLatch(1);
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Duration> call =
          callers.submit(
              () ->
                  failing(
                      () ->
                          ledger.withHandle(
                              h -> {
                                underWay.countDown();
                                return h.execute("select pg_sleep(60)");
                              })));
      underWay.await();
      proxy.reset();
      assertThat(call.get()).isLessThan(LONGEST_CALL);
    }
    assertThat(recovery()).isLessThan(LONGEST_RECOVERY);
  }

  @Test
  void aServerThatSaysNothingAtTheStartIsNamedInTime() {
    proxy.apply(new Silence());
    try (Postgres silent = Postgres.at(through(proxy), SETTINGS, meters)) {
      long begin = System.nanoTime();
      assertThatThrownBy(() -> silent.schema("ledger"))
          .isInstanceOfSatisfying(
              MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_DOWN))
          .hasMessageStartingWith("PostgreSQL cannot be used: ");
      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(5));
    }
  }

  @Test
  void aFullDiskKeepsWhatWasAcknowledgedAndTakesMoreWhenThereIsRoom() throws IOException {
    add("before");
    ledger.useHandle(
        h -> {
          String process = h.createQuery("select pg_backend_pid()").mapTo(String.class).one();
          limitFiles(process, Integer.toString(ROOM_BYTES));
          Throwable thrown =
              catchThrowable(
                  () ->
                      h.execute(
                          "insert into entry (text) select repeat(md5(i::text), 50)"
                              + " from generate_series(1, 20000) i"));
          limitFiles(process, "unlimited");
          assertTyped(thrown);
          assertThat(MAPPER.judge(thrown, Context.ROOT).answer())
              .hasMessageContaining("no room left on its disk: of this nothing was kept");
        });
    assertThat(texts()).containsExactly("before");

    add("afterwards");
    assertThat(texts()).containsExactly("before", "afterwards");
  }

  /**
   * Sets what a process may write into one file, in bytes: a write fails half-way, as on a disk.
   */
  private static void limitFiles(String process, String most) throws IOException {
    Process limit =
        new ProcessBuilder("prlimit", "--pid", process, "--fsize=" + most + ":unlimited")
            .redirectErrorStream(true)
            .start();
    String said = new String(limit.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(said).isEmpty();
  }
}
