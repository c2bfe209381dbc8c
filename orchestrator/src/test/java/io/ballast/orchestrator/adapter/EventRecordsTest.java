package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.testing.EventFileReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Events are framed and checked as readers of TFRecord expect. */
class EventRecordsTest {
  private static final EventFolder.RunKey RUN =
      new EventFolder.RunKey(
          "tidy", "0c7f0000-0000-4000-8000-000000000002", Instant.ofEpochSecond(1_700_000_000));

  @TempDir private Path folder = Path.of(".");

  @Test
  void theChecksumOfTheReaderIsThatOfTheStandard() {
    // RFC 3720, B.4: 32 bytes of zeros, 32 of ones; and the usual check string
    byte[] ones = new byte[32];
    Arrays.fill(ones, (byte) 0xff);
    assertThat(EventFileReader.crc32c(new byte[32])).isEqualTo(0x8a9136aa);
    assertThat(EventFileReader.crc32c(ones)).isEqualTo(0x62a8ab43);
    assertThat(EventFileReader.crc32c(ascii("123456789"))).isEqualTo(0xe3069283);
  }

  @Test
  void aMaskedChecksumIsTurnedAndShifted() {
    // crc32c("123456789") = e3069283; >>> 15 is 0001c60d, << 17 is 25060000, together 2507c60d;
    // + a282ead8 = c78ab0e5
    assertThat(EventRecords.maskedCrc(ascii("123456789"))).isEqualTo(0xc78ab0e5);
  }

  @Test
  void theFirstRecordByteByByte() {
    // 24 bytes of data: 09 + 8 bytes of wall time (1.5 = 3ff8000000000000), 1a 0d + "brain.Event:2"
    String record = HexFormat.of().formatHex(EventRecords.version(Instant.ofEpochMilli(1_500)));

    assertThat(record).hasSize(2 * (8 + 4 + 24 + 4)).startsWith("1800000000000000");
    assertThat(record.substring(24, 72))
        .isEqualTo(
            "09000000000000f83f" + "1a0d" + HexFormat.of().formatHex(ascii("brain.Event:2")));
  }

  @Test
  void whatIsWrittenIsReadAgain() throws IOException {
    EventFolder events = new EventFolder(folder.resolve("new/deep"));
    Instant time = Instant.ofEpochSecond(1_700_000_060, 250_000_000);

    Path file =
        events.write(
            RUN, List.of(row(1, time, Map.of("train/reward", 0.1)), row(2, time, Map.of())));

    assertThat(file)
        .isEqualTo(
            folder.resolve(
                "new/deep/tidy-0c7f0000/events.out.tfevents.1700000000.0c7f0000-0000-4000-8000-000000000002"));
    assertThat(EventFileReader.read(file))
        .containsExactly(
            new EventFileReader.Event(1_700_000_000, 0, "brain.Event:2", Map.of()),
            new EventFileReader.Event(
                1_700_000_060.25, 1, "", Map.of("train/reward", 0.1f)), // 32 bits
            new EventFileReader.Event(1_700_000_060.25, 2, "", Map.of()));
  }

  @Test
  void iterationsAreAddedOneByOneAndAFileIsWrittenAnew() throws IOException {
    EventFolder events = new EventFolder(folder);
    Instant time = Instant.ofEpochSecond(1_700_000_060);
    List<EventFolder.Row> rows =
        List.of(row(1, time, Map.of("a", 1.0)), row(2, time, Map.of("a", -2.5)));
    for (EventFolder.Row row : rows) {
      events.append(RUN, row);
    }
    byte[] appended = Files.readAllBytes(events.file(RUN));

    events.write(RUN, rows);

    assertThat(events.file(RUN)).hasBinaryContent(appended);
    try (var files = Files.list(folder.resolve("tidy-0c7f0000"))) {
      assertThat(files).as("no part is left").hasSize(1);
    }
  }

  /** In the last checksum, in the length of the last of 39 bytes, and in that of the first. */
  @ParameterizedTest
  @ValueSource(ints = {3, 36, 115})
  void aTornRecordIsCutBeforeTheNext(int torn) throws IOException {
    Instant time = Instant.ofEpochSecond(1_700_000_060);
    Path file =
        new EventFolder(folder)
            .write(RUN, List.of(row(1, time, Map.of("a", 1.0)), row(2, time, Map.of("a", 1.0))));
    cut(file, torn);

    EventFolder restarted = new EventFolder(folder);
    restarted.append(RUN, row(3, time, Map.of("a", 3.0)));
    restarted.append(RUN, row(4, time, Map.of("a", 4.0)));

    assertThat(EventFileReader.read(file))
        .extracting(EventFileReader.Event::step)
        .containsExactlyElementsOf(torn == 115 ? List.of(0L, 3L, 4L) : List.of(0L, 1L, 3L, 4L));
  }

  @Test
  void whatAFailedWriteLeavesIsCutBeforeTheNext() throws IOException {
    EventFolder events = new EventFolder(folder);
    Instant time = Instant.ofEpochSecond(1_700_000_060);
    events.append(RUN, row(1, time, Map.of("a", 1.0)));
    events.append(RUN, row(2, time, Map.of("a", 2.0)));
    Path file = events.file(RUN);
    Path aside = Files.move(file, folder.resolve("aside"));
    Files.createDirectory(file);
    assertThatThrownBy(() -> events.append(RUN, row(3, time, Map.of())))
        .isInstanceOf(IOException.class);
    Files.delete(file);
    Files.move(aside, file);
    cut(file, 3);

    events.append(RUN, row(4, time, Map.of("a", 4.0)));

    assertThat(EventFileReader.read(file))
        .extracting(EventFileReader.Event::step)
        .containsExactly(0L, 1L, 4L);
  }

  private static void cut(Path file, int bytes) throws IOException {
    byte[] all = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(all, all.length - bytes));
  }

  @Test
  void theReaderFindsABitThatTurned() throws IOException {
    Path file = new EventFolder(folder).write(RUN, List.of());
    byte[] bytes = Files.readAllBytes(file);
    bytes[20] ^= 1;
    Files.write(file, bytes);

    assertThatThrownBy(() -> EventFileReader.read(file)).hasMessageContaining("masked crc");
  }

  private static EventFolder.Row row(int iteration, Instant time, Map<String, Double> scalars) {
    return new EventFolder.Row(iteration, time, scalars);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
