package io.ballast.policy.adapter.spool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.policy.core.feedback.FeedbackCommand;
import io.ballast.policy.core.feedback.FeedbackKind;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.outage.Spooled;
import io.ballast.policy.core.suggest.DecisionRow;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of a damaged file all that is whole is found, and gets back into the spool. */
class DamagedFileTest {
  private static final Instant AT = Instant.parse("2026-11-29T16:00:00.123Z");
  private static final String NAME = "0000000000000000001.spool.damaged";

  @TempDir Path folder;

  private static Spooled decision(int id) {
    return new Spooled.Decision(
        new DecisionRow(
            new UUID(0, id),
            "tenant",
            new PinnedVersion("java-tiny", "2", "0".repeat(64)),
            "SHOW",
            "LIKELY_ACCEPTED",
            AT,
            Payload.of(new byte[] {0, 1, -1}),
            "",
            OptionalInt.empty()));
  }

  private static Spooled event(String key, byte[] body) {
    return new Spooled.Feedback(
        new FeedbackCommand(
            new Caller("request", "tenant", Lane.INTERACTIVE, key),
            new UUID(0, 9),
            FeedbackKind.EDITED,
            AT,
            Payload.of(body),
            "f".repeat(64)),
        new UUID(1, key.hashCode()));
  }

  private static Spooled event(String key) {
    return event(key, key.getBytes(StandardCharsets.UTF_8));
  }

  /** A record as a file has it. */
  private static byte[] record(byte[] payload) {
    ByteBuffer rest =
        ByteBuffer.allocate(8 + payload.length).putLong(AT.toEpochMilli()).put(payload);
    CRC32C crc = new CRC32C();
    crc.update(rest.array());
    return ByteBuffer.allocate(8 + rest.capacity())
        .putInt(payload.length)
        .putInt((int) crc.getValue())
        .put(rest.array())
        .array();
  }

  private static byte[] file(byte[]... records) {
    ByteBuffer bytes = ByteBuffer.allocate(1 << 16).putLong(SegmentFile.HEADER);
    for (byte[] record : records) {
      bytes.put(record);
    }
    byte[] whole = new byte[bytes.position()];
    bytes.flip().get(whole);
    return whole;
  }

  private static byte[] file(Spooled... records) {
    byte[][] encoded = new byte[records.length][];
    for (int i = 0; i < records.length; i++) {
      encoded[i] = record(SpoolCodec.encode(records[i]));
    }
    return file(encoded);
  }

  private DamagedFile aside(byte[] bytes) throws IOException {
    return DamagedFile.read(Files.write(folder.resolve(NAME), bytes));
  }

  /** What a server finds waiting when it starts, in its order. */
  private List<Spooled> waiting() {
    List<Spooled> waiting = new ArrayList<>();
    try (FileSpool spool = new FileSpool(folder, 1 << 20, () -> AT)) {
      for (Optional<Spooled> first = spool.first(); first.isPresent(); first = spool.first()) {
        waiting.add(first.get());
        spool.remove(first.get());
      }
    }
    return waiting;
  }

  @Test
  void whatIsBehindADamagedRecordIsFoundByItsLength() throws Exception {
    byte[] bytes = file(decision(1), event("bad"), event("behind"));
    int damagedAt = SegmentFile.HEADER_BYTES + record(SpoolCodec.encode(decision(1))).length;
    bytes[damagedAt + SegmentFile.RECORD_BYTES + 5] ^= 1;

    DamagedFile file = aside(bytes);

    assertThat(file.damage()).hasValue(damagedAt);
    assertThat(file.sizeBytes()).isEqualTo(bytes.length);
    assertThat(file.decisions(false)).isEqualTo(1);
    assertThat(file.events(false)).isEqualTo(1);
    assertThat(file.decisions(true) + file.events(true)).isZero();
    assertThat(file.unknown()).isZero();
    assertThat(file.replay(false)).hasFileName("0000000000000000001.spool.replayed");
    assertThat(waiting()).containsExactly(decision(1), event("behind"));
    assertThat(DamagedFile.in(folder)).as("nobody is told of it again").isEmpty();
  }

  @Test
  void whereTheLengthIsDamagedTheNextIsSearchedForAndLeftUnlessAskedFor() throws Exception {
    byte[] bytes = file(event("good"), event("bad"), event("behind"), decision(4));
    int damagedAt = SegmentFile.HEADER_BYTES + record(SpoolCodec.encode(event("good"))).length;
    bytes[damagedAt + 2] ^= 1; // 256 bytes more or less

    DamagedFile file = aside(bytes);
    assertThat(file.damage()).hasValue(damagedAt);
    assertThat(file.events(false)).isEqualTo(1);
    assertThat(file.events(true)).isEqualTo(1);
    assertThat(file.decisions(true)).isEqualTo(1);
    assertThat(file.left(false)).isEqualTo(2);
    assertThat(file.replay(false)).as("told of until nothing is left").hasFileName(NAME);
    assertThat(waiting()).containsExactly(event("good"));

    assertThat(file.left(true)).isZero();
    assertThat(file.replay(true)).hasFileName("0000000000000000001.spool.replayed");
    assertThat(waiting()).containsExactly(event("good"), event("behind"), decision(4));
  }

  @Test
  void whichEverByteDiffersTheOtherRecordsAreFound() throws Exception {
    byte[] bytes = file(event("good"), event("bad"), decision(3));
    int begin = SegmentFile.HEADER_BYTES + record(SpoolCodec.encode(event("good"))).length;
    int end = begin + record(SpoolCodec.encode(event("bad"))).length;
    for (int i = begin; i < end; i++) {
      byte[] flipped = bytes.clone();
      flipped[i] ^= 1;
      DamagedFile file = aside(flipped);
      assertThat(file.damage()).as("byte %s", i).hasValue(begin);
      assertThat(file.events(false)).as("byte %s", i).isEqualTo(1);
      assertThat(file.decisions(false) + file.decisions(true)).as("byte %s", i).isEqualTo(1);
    }
  }

  @Test
  void whatAUserWroteIsNoRecordWhereTheLengthIsKnown() throws Exception {
    byte[] forged = record(SpoolCodec.encode(event("forged")));
    byte[] bytes = file(event("bad", forged), event("behind"));
    byte[] flipped = bytes.clone();
    flipped[SegmentFile.HEADER_BYTES + SegmentFile.RECORD_BYTES] ^= 1;
    DamagedFile known = aside(flipped);
    assertThat(known.events(false)).isEqualTo(1);
    assertThat(known.events(true)).isZero();

    bytes[SegmentFile.HEADER_BYTES + 2] ^= 1; // its length
    DamagedFile searched = aside(bytes);
    assertThat(searched.events(false)).isZero();
    assertThat(searched.events(true)).as("the forged one, and what is behind").isEqualTo(2);
  }

  @Test
  void aFileWithoutItsHeadIsReadAllTheSame() throws Exception {
    byte[] bytes = file(event("one"), decision(2));
    bytes[0] ^= 1;

    DamagedFile file = aside(bytes);

    assertThat(file.damage()).hasValue(0);
    assertThat(file.events(false)).isEqualTo(1);
    assertThat(file.decisions(false)).isEqualTo(1);
  }

  @Test
  void aFileOfNothingAndOneThatIsWholeHaveNothingToReplayOrAll() throws Exception {
    assertThat(aside(new byte[0]).damage()).hasValue(0);
    assertThat(aside(new byte[0]).events(false)).isZero();
    assertThat(aside(new byte[100]).events(true)).as("zeros are no records").isZero();
    DamagedFile whole = aside(file(event("one")));
    assertThat(whole.damage()).isEmpty();
    assertThat(whole.events(false)).isEqualTo(1);
  }

  @Test
  void whatALaterReleaseWroteStaysWhereItIs() throws Exception {
    DamagedFile file =
        aside(file(record(new byte[] {9, 9}), record(SpoolCodec.encode(event("k")))));

    assertThat(file.unknown()).isEqualTo(1);
    assertThat(file.events(false)).isEqualTo(1);
    assertThat(file.replay(true)).hasFileName(NAME);
    assertThat(waiting()).as("a server could not start with the other").containsExactly(event("k"));
  }

  @Test
  void itGoesBehindWhatWaitsAlready() throws Exception {
    try (FileSpool spool = new FileSpool(folder, 1 << 20, () -> AT)) {
      spool.keep((Spooled.Feedback) event("waits"));
    }
    var unused = aside(file(event("damaged"))).replay(false);

    assertThat(waiting()).containsExactly(event("waits"), event("damaged"));
  }

  @Test
  void whileAServerUsesTheFolderNothingIsReplayed() throws Exception {
    DamagedFile file = aside(file(event("one")));
    try (FileSpool spool = new FileSpool(folder, 1 << 20, () -> AT)) {
      spool.prepare();
      assertThatThrownBy(() -> file.replay(false))
          .isInstanceOf(IOException.class)
          .hasMessage(folder + " is used by another server");
    }
    assertThat(DamagedFile.in(folder)).containsExactly(folder.resolve(NAME));
    assertThat(waiting()).isEmpty();
  }

  @Test
  void aSecondDamageOfOneFileKeepsTheFirstsCopy() throws Exception {
    byte[] first = file(event("one"), event("two"), event("three"));
    first[first.length - record(SpoolCodec.encode(event("three"))).length - 1] ^= 1;
    Path spool = folder.resolve("0000000000000000001.spool");
    for (int i = 0; i < 2; i++) {
      Files.write(spool, first);
      new FileSpool(folder, 1 << 20, () -> AT).close();
    }

    assertThat(DamagedFile.in(folder))
        .containsExactly(folder.resolve(NAME), folder.resolve(NAME + "-2"))
        .allSatisfy(copy -> assertThat(copy).hasBinaryContent(first));
  }
}
