package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.triton.TritonException.Reason;
import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolver.ConfigOrError;
import io.grpc.NameResolver.ResolutionResult;
import io.grpc.Status;
import io.grpc.SynchronizationContext;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Hosts with several addresses, and names that change or are not found for a while. */
class KServeFleetTest {
  private static final KServeSettings SETTINGS =
      KServeSettings.defaults()
          .withControlDeadline(Duration.ofSeconds(2))
          .withReadyInterval(Duration.ofMillis(10));

  private final InetAddress first = address("127.0.0.1");
  private final InetAddress second = address("127.0.0.2");
  private LocalServer one;
  private LocalServer two;

  @BeforeEach
  void start() throws IOException {
    one = LocalServer.start("127.0.0.1", 0);
    two = LocalServer.start("127.0.0.2", one.port());
  }

  @AfterEach
  void stop() {
    one.close();
    two.close();
  }

  private static InetAddress address(String numbers) {
    try {
      return InetAddress.getByName(numbers);
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }

  private KServeFleet open(HostLookup hosts) {
    return KServeFleet.open(List.of("pair:" + one.port()), List.of(), SETTINGS, hosts);
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("the fleet's time to notice").isLessThan(end);
    }
  }

  private static void infer(KServeFleet fleet) {
    assertThat(fleet.client().infer(LocalServer.request()).outputs()).hasSize(1);
  }

  /** Whether {@code server} answers six requests in a row. */
  private static boolean answersAll(KServeFleet fleet, LocalServer server) {
    int before = server.inferences();
    for (int i = 0; i < 6; i++) {
      infer(fleet);
    }
    return server.inferences() == before + 6;
  }

  @Test
  void eachAddressOfAHostIsAServer() {
    try (KServeFleet fleet = open(host -> new InetAddress[] {second, first})) {
      await(
          () -> {
            infer(fleet);
            return one.inferences() > 0 && two.inferences() > 0;
          });

      two.ready(false);
      await(() -> answersAll(fleet, one));

      one.ready(false);
      two.ready(true);
      await(() -> answersAllOrWaits(fleet, two));
    }
  }

  /** As {@link #answersAll}, where for a moment none may be ready. */
  private static boolean answersAllOrWaits(KServeFleet fleet, LocalServer server) {
    try {
      return answersAll(fleet, server);
    } catch (TritonException e) {
      assertThat(e.reason()).isEqualTo(Reason.UNAVAILABLE);
      return false;
    }
  }

  @Test
  void aNameThatMovesIsFollowedAndOneThatIsNotFoundIsRemembered() {
    Map<String, InetAddress> names = new ConcurrentHashMap<>();
    names.put("pair", first);
    AtomicInteger notFound = new AtomicInteger();
    HostLookup hosts =
        host -> {
          InetAddress found = names.get(host);
          if (found == null) {
            notFound.incrementAndGet();
            throw new UnknownHostException(host);
          }
          return new InetAddress[] {found};
        };
    try (KServeFleet fleet = open(hosts)) {
      await(() -> answersAll(fleet, one));

      names.put("pair", second);
      await(() -> answersAll(fleet, two));

      names.remove("pair");
      int before = notFound.get();
      await(() -> notFound.get() > before + 2); // two rounds have ended without it
      assertThat(answersAll(fleet, two)).isTrue();
    }
  }

  @Test
  void aLookupThatHangsKeepsNobodyWaitingForever() {
    CountDownLatch never = new CountDownLatch(1);
    HostLookup hosts =
        host -> {
          if (host.equals("slow")) {
            awaitQuietly(never);
          }
          return new InetAddress[] {first};
        };
    try (KServeFleet fleet =
        KServeFleet.open(
            List.of("slow:1", "pair:" + one.port()),
            List.of(),
            SETTINGS.withControlDeadline(Duration.ofMillis(300)),
            hosts)) {
      await(
          () -> {
            try {
              infer(fleet);
              return true;
            } catch (TritonException e) {
              assertThat(e.reason()).as("while the lookup has time").isEqualTo(Reason.SILENT);
              return false;
            }
          });
    } finally {
      never.countDown();
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aHostThatIsNotKnownIsNamedToOperatorsAlone() {
    HostLookup hosts =
        host -> {
          throw new UnknownHostException(host);
        };
    try (KServeFleet fleet = open(hosts)) {
      assertThat(Failures.failure(Reason.UNAVAILABLE, () -> infer(fleet)))
          .isEqualTo("model 'm': no server is ready; the host is not known");
      assertThat(fleet.noneReady())
          .as("for operators")
          .contains("pair:" + one.port() + ": the host is not known");
    }
  }

  @Test
  void aRoundThatFailsIsNotTheLast() {
    AtomicInteger rounds = new AtomicInteger();
    HostLookup hosts =
        host -> {
          if (rounds.incrementAndGet() == 1) {
            throw new IllegalStateException("a fault of the lookup");
          }
          return new InetAddress[] {first};
        };
    try (KServeFleet fleet = open(hosts)) {
      infer(fleet);
      assertThat(rounds.get()).isGreaterThan(1);
    }
  }

  @Test
  void whoAsksAgainIsToldEvenWhatHasNotChanged() throws InterruptedException {
    BlockingQueue<List<EquivalentAddressGroup>> told = new LinkedBlockingQueue<>();
    try (ReadyServers ready =
        new ReadyServers(
            List.of(new ServerAddress("pair", one.port())),
            ReadyCheck.of(List.of()),
            SETTINGS.withReadyInterval(Duration.ofHours(1)),
            host -> new InetAddress[] {first})) {
      NameResolver resolver = ready.newNameResolver(URI.create("ready:///kserve"), arguments());
      resolver.start(
          new NameResolver.Listener2() {
            @Override
            public void onResult(ResolutionResult result) {
              told.add(result.getAddressesOrError().getValue());
            }

            @Override
            public void onError(Status error) {
              throw new AssertionError(error);
            }
          });
      List<EquivalentAddressGroup> before = told.poll(20, TimeUnit.SECONDS);

      resolver.refresh();

      assertThat(before).hasSize(1);
      assertThat(told.poll(20, TimeUnit.SECONDS)).isEqualTo(before);
      resolver.shutdown();
    }
  }

  private static NameResolver.Args arguments() {
    return NameResolver.Args.newBuilder()
        .setDefaultPort(1)
        .setProxyDetector(target -> null)
        .setSynchronizationContext(
            new SynchronizationContext(
                (thread, failure) -> {
                  throw new AssertionError(failure);
                }))
        .setServiceConfigParser(
            new NameResolver.ServiceConfigParser() {
              @Override
              public ConfigOrError parseServiceConfig(Map<String, ?> raw) {
                return ConfigOrError.fromConfig(raw);
              }
            })
        .build();
  }
}
