package io.ballast.policy.adapter.spool;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.policy.core.feedback.FeedbackCommand;
import io.ballast.policy.core.feedback.FeedbackKind;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.outage.Spooled;
import io.ballast.policy.core.suggest.DecisionRow;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.OptionalInt;
import java.util.UUID;

/** What waits, as bytes: its kind, then its fields in their order. */
final class SpoolCodec {
  private static final int DECISION = 1;
  private static final int FEEDBACK = 2;

  private SpoolCodec() {}

  static byte[] encode(Spooled record) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      switch (record) {
        case Spooled.Decision decision -> {
          out.writeByte(DECISION);
          write(out, decision.row());
        }
        case Spooled.Feedback feedback -> {
          out.writeByte(FEEDBACK);
          write(out, feedback);
        }
      }
    } catch (IOException e) {
      throw new AssertionError("memory takes what is written", e);
    }
    return bytes.toByteArray();
  }

  /**
   * @throws IOException if these are not the bytes of anything that waits, such as those of a later
   *     release
   */
  static Spooled decode(byte[] bytes) throws IOException {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      int kind = in.readByte();
      Spooled read =
          switch (kind) {
            case DECISION -> new Spooled.Decision(readRow(in));
            case FEEDBACK -> readFeedback(in);
            default -> throw new IOException("kind %d (expected: 1 or 2)".formatted(kind));
          };
      if (in.read() >= 0) {
        throw new IOException("bytes after the end of a record of kind " + kind);
      }
      return read;
    } catch (IllegalArgumentException e) {
      throw new IOException(e);
    }
  }

  private static void write(DataOutputStream out, DecisionRow row) throws IOException {
    write(out, row.suggestionId());
    write(out, row.tenant());
    write(out, row.version().model());
    write(out, row.version().version());
    write(out, row.version().weightsSha256());
    write(out, row.decision());
    write(out, row.reason());
    write(out, row.decidedAt());
    write(out, row.body());
    write(out, row.person());
    out.writeInt(row.shownCharacters().orElse(-1));
  }

  private static DecisionRow readRow(DataInputStream in) throws IOException {
    return new DecisionRow(
        readId(in),
        readText(in),
        new PinnedVersion(readText(in), readText(in), readText(in)),
        readText(in),
        readText(in),
        readInstant(in),
        Payload.of(readBytes(in)),
        readText(in),
        present(in.readInt()));
  }

  private static OptionalInt present(int count) {
    return count < 0 ? OptionalInt.empty() : OptionalInt.of(count);
  }

  private static void write(DataOutputStream out, Spooled.Feedback feedback) throws IOException {
    FeedbackCommand command = feedback.command();
    write(out, feedback.eventId());
    write(out, command.caller().requestId());
    write(out, command.caller().tenant());
    write(out, command.caller().lane().name());
    write(out, command.caller().idempotencyKey());
    write(out, command.suggestionId());
    write(out, command.kind().name());
    write(out, command.receivedAt());
    write(out, command.event());
    write(out, command.fingerprint());
  }

  private static Spooled.Feedback readFeedback(DataInputStream in) throws IOException {
    UUID eventId = readId(in);
    Caller caller =
        new Caller(readText(in), readText(in), Lane.valueOf(readText(in)), readText(in));
    return new Spooled.Feedback(
        new FeedbackCommand(
            caller,
            readId(in),
            FeedbackKind.valueOf(readText(in)),
            readInstant(in),
            Payload.of(readBytes(in)),
            readText(in)),
        eventId);
  }

  private static void write(DataOutputStream out, UUID id) throws IOException {
    out.writeLong(id.getMostSignificantBits());
    out.writeLong(id.getLeastSignificantBits());
  }

  private static UUID readId(DataInputStream in) throws IOException {
    return new UUID(in.readLong(), in.readLong());
  }

  private static void write(DataOutputStream out, Instant time) throws IOException {
    out.writeLong(time.getEpochSecond());
    out.writeInt(time.getNano());
  }

  private static Instant readInstant(DataInputStream in) throws IOException {
    return Instant.ofEpochSecond(in.readLong(), in.readInt());
  }

  private static void write(DataOutputStream out, String text) throws IOException {
    write(out, text.getBytes(StandardCharsets.UTF_8));
  }

  private static String readText(DataInputStream in) throws IOException {
    return new String(readBytes(in), StandardCharsets.UTF_8);
  }

  private static void write(DataOutputStream out, Payload payload) throws IOException {
    write(out, payload.toBytes());
  }

  private static void write(DataOutputStream out, byte[] bytes) throws IOException {
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  private static byte[] readBytes(DataInputStream in) throws IOException {
    int length = in.readInt();
    if (length < 0 || length > in.available()) {
      throw new IOException("%,d bytes (expected: what is there)".formatted(length));
    }
    return in.readNBytes(length);
  }
}
