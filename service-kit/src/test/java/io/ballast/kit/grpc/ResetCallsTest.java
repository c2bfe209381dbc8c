package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.security.ConnectionLimits;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.ManagedChannel;
import io.netty.handler.codec.http2.Http2Error;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** A client that begins calls only to reset them is told to be calm, and nobody else is. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = ThreadMode.SEPARATE_THREAD)
class ResetCallsTest extends MeshServerCase {
  private static final int MOST = 5;

  // frames of HTTP/2 (RFC 9113, section 6)
  private static final int HEADERS = 1;
  private static final int RST_STREAM = 3;
  private static final int SETTINGS = 4;
  private static final int PING = 6;
  private static final int GOAWAY = 7;
  private static final int END_HEADERS = 4;
  private static final int ACK = 1;

  private static final ConnectionLimits FEW =
      new ConnectionLimits(
          16,
          16,
          16 << 10,
          4_096,
          MOST,
          Duration.ofSeconds(20),
          Optional.empty(),
          Duration.ofMinutes(10));

  @Test
  void oneResetTooManyEndsItsConnectionAndCallsOfAnotherGoOn() throws Exception {
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    work =
        () -> {
          inside.countDown();
          release.await();
          return ScoreResponse.getDefaultInstance();
        };
    MeshServer server = start(FEW);
    ManagedChannel another = channel(server);
    var underWay =
        RewardServiceGrpc.newFutureStub(another).score(ScoreRequest.getDefaultInstance());
    inside.await();

    try (Socket rapid = new Socket("127.0.0.1", server.port())) {
      rapid.getOutputStream().write(resets(MOST + 1));

      assertThat(firstOf(rapid, GOAWAY).getInt(4))
          .as("its reason, after the last stream")
          .isEqualTo((int) Http2Error.ENHANCE_YOUR_CALM.code());
    }

    release.countDown();
    assertThat(underWay.get()).isEqualTo(ScoreResponse.getDefaultInstance());
  }

  @Test
  void asManyAsAreAllowedEndNothing() throws Exception {
    MeshServer server = start(FEW);

    try (Socket client = new Socket("127.0.0.1", server.port())) {
      ByteArrayOutputStream sent = new ByteArrayOutputStream();
      sent.write(resets(MOST));
      sent.write(frame(PING, 0, 0, new byte[8]));
      client.getOutputStream().write(sent.toByteArray());

      assertThat(firstOf(client, PING).getLong()).as("what the ping said").isZero();
    }
  }

  /** The beginning of a connection, and so many calls that are begun and reset. */
  private static byte[] resets(int count) throws IOException {
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    sent.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    sent.write(frame(SETTINGS, 0, 0, new byte[0]));
    for (int i = 0; i < count; i++) {
      int stream = 2 * i + 1;
      sent.write(frame(HEADERS, END_HEADERS, stream, headers()));
      byte[] reason = ByteBuffer.allocate(4).putInt((int) Http2Error.CANCEL.code()).array();
      sent.write(frame(RST_STREAM, 0, stream, reason));
    }
    return sent.toByteArray();
  }

  /** A call's, by HPACK (RFC 7541): numbers of the static table, texts as they are. */
  private static byte[] headers() throws IOException {
    ByteArrayOutputStream headers = new ByteArrayOutputStream();
    headers.write(0x83); // :method POST
    headers.write(0x86); // :scheme http
    headers.write(0x04); // :path, not kept in the table
    text(headers, "/" + RewardServiceGrpc.getScoreMethod().getFullMethodName());
    headers.write(new byte[] {0x0f, 0x10}); // content-type, number 31, not kept
    text(headers, "application/grpc");
    headers.write(0x00); // a name of its own, not kept
    text(headers, "te");
    text(headers, "trailers");
    return headers.toByteArray();
  }

  private static void text(ByteArrayOutputStream headers, String text) throws IOException {
    headers.write(text.length()); // below 127
    headers.write(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static byte[] frame(int type, int flags, int stream, byte[] payload) {
    return ByteBuffer.allocate(9 + payload.length)
        .putInt(payload.length << 8 | type)
        .put((byte) flags)
        .putInt(stream)
        .put(payload)
        .array();
  }

  /** What the first frame of this type holds that the server sends; a ping only if it is an ack. */
  private static ByteBuffer firstOf(Socket socket, int wanted) throws IOException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    while (true) {
      int lengthAndType = in.readInt();
      int flags = in.readUnsignedByte();
      int unused = in.readInt(); // the stream
      byte[] payload = in.readNBytes(lengthAndType >>> 8);
      int type = lengthAndType & 0xff;
      if (type == wanted && (type != PING || (flags & ACK) != 0)) {
        return ByteBuffer.wrap(payload);
      }
      assertThat(type).as("it goes away").isNotEqualTo(GOAWAY);
    }
  }
}
