package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.sun.management.ThreadMXBean;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.grpc.Context;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor;
import io.grpc.ServerMethodDefinition;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** What it takes to read a message is bounded by the message. */
class LenientRequestsTest {
  private static final long MOST = 64 << 20;
  private static final int LONG = 4 << 20;

  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final HeldRequests requests = new HeldRequests(MOST, meters);

  /** As gRPC gives a message that was not packed. */
  private static final class Unpacked extends ByteArrayInputStream implements KnownLength {
    private final int missing;

    Unpacked(byte[] bytes, int missing) {
      super(bytes);
      this.missing = missing;
    }

    @Override
    public synchronized int available() {
      return super.available() + missing;
    }
  }

  private HeldRequest entered(Shares room) {
    HeldRequest held = new HeldRequest(requests, "a.Service/Method", Long.MAX_VALUE);
    assertThat(held.enter(room, "", 0, true)).isTrue();
    return held;
  }

  private void read(HeldRequest held, InputStream bytes) {
    ServerMethodDefinition<?, ?> score =
        LenientRequests.of(new RewardServiceGrpc.RewardServiceImplBase() {}.bindService(), requests)
            .getMethods()
            .stream()
            .filter(method -> method.getMethodDescriptor().getFullMethodName().endsWith("/Score"))
            .findFirst()
            .orElseThrow();
    MethodDescriptor<?, ?> descriptor = score.getMethodDescriptor();
    held.filterContext(Context.ROOT).run(() -> descriptor.parseRequest(bytes));
  }

  private static byte[] unknown(int bytes) {
    return ScoreRequest.newBuilder()
        .setUnknownFields(
            UnknownFieldSet.newBuilder()
                .addField(
                    1_000,
                    UnknownFieldSet.Field.newBuilder()
                        .addLengthDelimited(ByteString.copyFrom(new byte[bytes]))
                        .build())
                .build())
        .build()
        .toByteArray();
  }

  @Test
  void aMessageIsCopiedOnce() {
    HeldRequest held = entered(new Shares(MOST, false));
    byte[] message = unknown(LONG);
    read(held, new Unpacked(message.clone(), 0)); // what is made but once, is made here
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    InputStream bytes = new Unpacked(message, 0);
    long before = threads.getCurrentThreadAllocatedBytes();
    read(held, bytes);
    assertThat(threads.getCurrentThreadAllocatedBytes() - before)
        .isBetween((long) LONG, LONG * 3L / 2);
  }

  @Test
  void oneThatIsShorterThanItSaysIsRefused() {
    Shares room = new Shares(MOST, false);
    HeldRequest held = entered(room);
    byte[] message =
        ScoreRequest.newBuilder()
            .setRewardModel(ModelSelector.newBuilder().setModel("m"))
            .build()
            .toByteArray();
    read(held, new Unpacked(message, 0));
    assertThat(room.held()).as("that it is taken otherwise").isPositive();
    held.delivered();
    read(held, new Unpacked(message, 1));
    assertThat(room.held()).isZero();
  }

  @Test
  void aPackedMessageTakesTwiceItsLengthWhileItIsUnpackedAndItsLengthOnceItIs() {
    byte[] message =
        ScoreRequest.newBuilder()
            .setRewardModel(ModelSelector.newBuilder().setModel("m".repeat(LONG)))
            .build()
            .toByteArray();
    Shares enough = new Shares(2 * message.length + 1_024, false);
    HeldRequest held = entered(enough);
    read(held, new ByteArrayInputStream(message));
    assertThat(enough.held()).as("its objects").isBetween((long) LONG, LONG + 1_024L);

    Shares less = new Shares(2 * message.length - 1, false);
    read(entered(less), new ByteArrayInputStream(message));
    assertThat(less.held()).as("refused").isZero();
  }
}
