package io.ballast.kit.grpc;

import io.ballast.reward.v1.RewardServiceGrpc;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A client that says and hears frames of HTTP/2 (RFC 9113, section 6), whole ones or not. */
final class RawClient implements AutoCloseable {
  static final int DATA = 0;
  static final int HEADERS = 1;
  static final int RST_STREAM = 3;
  static final int SETTINGS = 4;
  static final int PING = 6;
  static final int GOAWAY = 7;
  static final int END_STREAM = 1;
  static final int END_HEADERS = 4;
  static final int ACK = 1;

  private final Socket socket;
  private final ByteArrayOutputStream unsent = new ByteArrayOutputStream();

  /** What the server said. */
  record Frame(int type, int flags, int stream, ByteBuffer payload) {
    boolean isAnswerOf(int ping) {
      return type == PING && (flags & ACK) != 0 && payload.getInt(0) == ping;
    }
  }

  RawClient(MeshServer server) throws IOException {
    socket = new Socket("127.0.0.1", server.port());
    unsent.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    add(SETTINGS, 0, 0, new byte[0]);
  }

  /** Adds the headers of a call that scores. */
  RawClient call(int stream) throws IOException {
    return add(HEADERS, END_HEADERS, stream, headers());
  }

  RawClient ping(int number) throws IOException {
    return add(PING, 0, 0, ByteBuffer.allocate(8).putInt(number).array());
  }

  RawClient add(int type, int flags, int stream, byte[] payload) throws IOException {
    unsent.write(
        ByteBuffer.allocate(9 + payload.length)
            .putInt(payload.length << 8 | type)
            .put((byte) flags)
            .putInt(stream)
            .put(payload)
            .array());
    return this;
  }

  /** Sends what was added, in one go. */
  void send() throws IOException {
    socket.getOutputStream().write(unsent.toByteArray());
    unsent.reset();
  }

  /** The next frame that the server sends. */
  Frame next() throws IOException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    int lengthAndType = in.readInt();
    int flags = in.readUnsignedByte();
    int stream = in.readInt();
    byte[] payload = in.readNBytes(lengthAndType >>> 8);
    return new Frame(lengthAndType & 0xff, flags, stream, ByteBuffer.wrap(payload));
  }

  /** What the server sends until it has answered this ping, which it was sent last. */
  List<Frame> untilAnswered(int ping) throws IOException {
    List<Frame> said = new ArrayList<>();
    do {
      said.add(next());
    } while (!said.getLast().isAnswerOf(ping));
    return said;
  }

  /** The next frame of a stream. */
  Frame nextOf(int stream) throws IOException {
    Frame frame = next();
    while (frame.stream() != stream) {
      frame = next();
    }
    return frame;
  }

  /** Why the server goes away. */
  int goingAway() throws IOException {
    Frame frame = next();
    while (frame.type() != GOAWAY) {
      frame = next();
    }
    return frame.payload().getInt(4); // after the last stream
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

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
