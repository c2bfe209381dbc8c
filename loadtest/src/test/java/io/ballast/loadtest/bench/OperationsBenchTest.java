package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.loadtest.bench.FlatMemoryBench.Sample;
import io.ballast.loadtest.bench.OverloadBench.Count;
import io.ballast.loadtest.openloop.Arrivals;
import io.ballast.loadtest.openloop.LoadPlan;
import io.ballast.loadtest.openloop.OpenLoop;
import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.openloop.Pacer;
import io.grpc.ChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.TlsServerCredentials;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.HealthStatusManager;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code bench operations} measures with, and what it makes of what it sees. */
class OperationsBenchTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void aCertificateOfItsOwnIsTrustedByWhomItIsGivenToAndByNobodyElse()
      throws IOException, InterruptedException {
    LoopbackCertificate certificate = LoopbackCertificate.make(folder);
    Server server =
        NettyServerBuilder.forAddress(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                TlsServerCredentials.create(
                    certificate.certificate().toFile(), certificate.key().toFile()))
            .addService(new HealthStatusManager().getHealthService())
            .build()
            .start();
    try {
      assertThat(check(server, certificate.trusted())).isEqualTo("SERVING");
      assertThatThrownBy(() -> check(server, TlsChannelCredentials.create()))
          .isInstanceOfSatisfying(
              StatusRuntimeException.class,
              e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE));
    } finally {
      server.shutdownNow();
    }
    assertThat(certificate.environment())
        .containsEntry("BALLAST_TLS_KEY", folder.resolve("mesh.key").toString());
  }

  @Test
  void theSilentCollectorTakesAnyCallAndCountsItsBytes() {
    try (SilentCollector collector = new SilentCollector()) {
      ManagedChannel channel =
          NettyChannelBuilder.forTarget(collector.endpoint().substring("http://".length()))
              .usePlaintext()
              .build();
      try {
        HealthCheckRequest asked = HealthCheckRequest.newBuilder().setService("traces").build();
        assertThat(HealthGrpc.newBlockingStub(channel).check(asked))
            .isEqualTo(HealthCheckResponse.getDefaultInstance());
        assertThat(collector.bytes()).isEqualTo(asked.getSerializedSize());
      } finally {
        channel.shutdownNow();
      }
    }
  }

  /** Ten calls a second, of which each is answered 100 ms later but for every fourth. */
  @Test
  void goodAnswersAreThoseThatCameInTheMeasuredTime() {
    Count count = new Count(index -> index % 2 == 0, Duration.ofSeconds(1), Duration.ofSeconds(2));
    ManualPacer pacer = new ManualPacer();
    LoadPlan plan =
        new LoadPlan(
            10, Duration.ofSeconds(1), Duration.ofSeconds(2), 8, 1_000, Duration.ofSeconds(1));
    var unused =
        new OpenLoop(pacer)
            .run(
                plan,
                Arrivals.evenly(10),
                (index, done) -> {
                  pacer.now += 1_000_000;
                  done.accept(
                      index % 4 == 0
                          ? Outcome.failed("RESOURCE_EXHAUSTED")
                          : Outcome.answered("GOOD"));
                },
                count::take);

    var seen = count.seen(10);
    assertThat(seen.good()).as("15 of 20 in 2 s").isEqualTo(7.5);
    assertThat(seen.shed()).isEqualTo(0.25);
    assertThat(seen.personShed()).as("people have the even calls").isEqualTo(0.5);
    assertThat(seen.personMillis()).isBetween(1.0, 1.01);
  }

  @Test
  void aGeneratorThatLagsMadeNoLoad() {
    Count count = new Count(index -> true, Duration.ZERO, Duration.ofSeconds(2));
    ManualPacer pacer = new ManualPacer();
    LoadPlan plan =
        new LoadPlan(10, Duration.ZERO, Duration.ofSeconds(2), 8, 1_000, Duration.ofSeconds(5));
    var unused =
        new OpenLoop(pacer)
            .run(
                plan,
                Arrivals.evenly(10),
                (index, done) -> {
                  pacer.now += 300_000_000; // each call is sent 200 ms later than the one before
                  done.accept(Outcome.answered("GOOD"));
                },
                count::take);

    assertThatThrownBy(() -> count.requireSent(10))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("at 10 calls/s 7 of 20 calls were sent in their time");
  }

  @Test
  void nobodyWasAnsweredIsNoLatency() {
    Count count = new Count(index -> true, Duration.ZERO, Duration.ofSeconds(1));
    assertThat(count.seen(1).personMillis()).isNaN();
    assertThat(count.seen(1).good()).isZero();
  }

  @Test
  void memoryThatGrowsByATenthMissesTheSoaksGoal() {
    assertThat(FlatMemoryBench.lateBesideEarly("flat", growing(0), 1.05).holds()).isTrue();
    assertThat(FlatMemoryBench.lateBesideEarly("growing", growing(0.25), 1.05).holds()).isFalse();
  }

  private static List<Double> growing(double share) {
    return IntStream.range(0, 60)
        .mapToObj(i -> new Sample(i, Math.round(1e9 * (1 + share * i / 60)), 0))
        .map(sample -> sample.residentBytes() / 1e6)
        .toList();
  }

  private static String check(Server server, ChannelCredentials credentials) {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", server.getPort(), credentials).build();
    try {
      return HealthGrpc.newBlockingStub(channel)
          .check(HealthCheckRequest.getDefaultInstance())
          .getStatus()
          .name();
    } finally {
      channel.shutdownNow();
    }
  }

  /** A clock that goes on when somebody waits. */
  private static final class ManualPacer implements Pacer {
    private long now;

    @Override
    public long nanoTime() {
      return now;
    }

    @Override
    public void sleepUntil(long nanos) {
      now = Math.max(now, nanos);
    }
  }
}
