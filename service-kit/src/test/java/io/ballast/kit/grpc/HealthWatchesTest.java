package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthGrpc;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** However many watches an address asks for, it leaves some to others. */
class HealthWatchesTest {
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private int port = 1_024;

  /** A call of one connection that asks to watch; each is told how it ended. */
  private static final class Watch extends ServerCall<HealthCheckRequest, HealthCheckResponse> {
    private final InetSocketAddress from;
    private @Nullable Status refusal;
    private ServerCall.@Nullable Listener<HealthCheckRequest> kept;

    Watch(InetSocketAddress from) {
      this.from = from;
    }

    @Override
    public void request(int messages) {}

    @Override
    public void sendHeaders(Metadata headers) {}

    @Override
    public void sendMessage(HealthCheckResponse message) {}

    @Override
    public void close(Status status, Metadata trailers) {
      assertThat(trailers.keys()).as("says when to come back").isNotEmpty();
      refusal = status;
    }

    @Override
    public boolean isCancelled() {
      return false;
    }

    @Override
    public Attributes getAttributes() {
      return Attributes.newBuilder().set(Grpc.TRANSPORT_ATTR_REMOTE_ADDR, from).build();
    }

    @Override
    public MethodDescriptor<HealthCheckRequest, HealthCheckResponse> getMethodDescriptor() {
      return HealthGrpc.getWatchMethod();
    }

    boolean isTaken() {
      return refusal == null;
    }

    String refused() {
      return refusal == null ? "taken" : String.valueOf(refusal.getDescription());
    }

    void leave() {
      if (kept != null) {
        kept.onCancel();
      }
    }
  }

  /** One more, of a connection of its own. */
  private Watch ask(HealthWatches watches, String address) {
    return ask(watches, new InetSocketAddress(InetAddress.ofLiteral(address), port++));
  }

  private static Watch ask(HealthWatches watches, InetSocketAddress from) {
    Watch watch = new Watch(from);
    watch.kept =
        watches.interceptCall(watch, new Metadata(), (_, _) -> new ServerCall.Listener<>() {});
    return watch;
  }

  /** As many as it is given. */
  private List<Watch> takeAll(HealthWatches watches, String address) {
    List<Watch> taken = new ArrayList<>();
    Watch next = ask(watches, address);
    while (next.isTaken()) {
      taken.add(next);
      next = ask(watches, address);
    }
    return taken;
  }

  private double open() {
    return meters.get("ballast.health.watches").gauge().value();
  }

  @Test
  void oneAddressTakesHalfAndOthersFindRoom() {
    HealthWatches watches = new HealthWatches(12, meters);

    assertThat(takeAll(watches, "10.0.0.1")).hasSize(6);
    assertThat(ask(watches, "10.0.0.1").refused())
        .isEqualTo(
            "this address has 6 streams that watch health, and the room for 6 more is for others;"
                + " ask by Check");
    // of the 6 that are left 3, of those 3 then 2, and of the last 1
    assertThat(takeAll(watches, "10.0.0.2")).hasSize(3);
    assertThat(takeAll(watches, "10.0.0.3")).hasSize(2);
    assertThat(takeAll(watches, "10.0.0.4")).hasSize(1);
    assertThat(open()).isEqualTo(12);
    assertThat(ask(watches, "10.0.0.5").refused())
        .isEqualTo("there are 12 streams that watch health, the limit; ask by Check");
  }

  @Test
  void threeThatTakeWhatTheyCanGetLeaveAQuarter() {
    HealthWatches watches = new HealthWatches(12, meters);
    List<String> greedy = List.of("10.0.0.1", "10.0.0.2", "10.0.0.3");
    int taken = 0;
    for (int round = 0; round < 12; round++) {
      for (String address : greedy) {
        taken += ask(watches, address).isTaken() ? 1 : 0;
      }
    }

    assertThat(taken).isEqualTo(9); // 3 each: a fourth would be as many as are free
    assertThat(ask(watches, "10.0.0.4").isTaken()).isTrue();
  }

  @Test
  void whatIsGivenBackIsForWhoeverHasLittle() {
    HealthWatches watches = new HealthWatches(4, meters);
    List<Watch> first = takeAll(watches, "10.0.0.1");
    assertThat(first).hasSize(2);
    assertThat(takeAll(watches, "10.0.0.2")).hasSize(1);
    assertThat(takeAll(watches, "10.0.0.3")).hasSize(1);

    first.getFirst().leave();
    assertThat(open()).isEqualTo(3);
    assertThat(ask(watches, "10.0.0.1").isTaken()).as("who has one already").isFalse();
    assertThat(ask(watches, "10.0.0.4").isTaken()).as("who has none").isTrue();
    first.getLast().leave();
    assertThat(ask(watches, "10.0.0.1").isTaken()).as("who has none left").isTrue();
  }

  @Test
  void hostsOfOneNetworkOfIpv6ShareAsTheyHaveMoreAddressesThanCanBeCounted() {
    HealthWatches watches = new HealthWatches(4, meters);

    assertThat(ask(watches, "2001:db8:0:1::1").isTaken()).isTrue();
    assertThat(ask(watches, "2001:db8:0:1::2").isTaken()).isTrue();
    assertThat(ask(watches, "2001:db8:0:1::3").isTaken()).isFalse();
    assertThat(ask(watches, "2001:db8:0:2::1").isTaken()).isTrue();
  }
}
