package io.ballast.inference.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.kit.digest.Sha256;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Tensors survive the disk; a bad file says what is wrong with it. */
class SafetensorsFileTest {
  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void aPath() {
    file = folder.resolve("a.safetensors");
  }

  @ParameterizedTest
  @EnumSource(WeightType.class)
  void numbersThatATypeHoldsComeBackAsTheyWere(WeightType type) throws IOException {
    float[] values = {0, -0f, 1, -2.5f, 0.15625f, 1024};
    SafetensorsFile.write(
        file, List.of(new Content("w", type, List.of(2L, 3L), () -> values)), Map.of("step", "7"));
    SafetensorsFile read = SafetensorsFile.open(file);
    assertThat(read.read("w", List.of(2L, 3L))).containsExactly(values);
    assertThat(read.names()).containsExactly("w");
    assertThat(read.metadata()).containsEntry("step", "7");
  }

  @ParameterizedTest
  @EnumSource(WeightType.class)
  void theChecksumIsThatOfTheFileThatWouldBeWritten(WeightType type) throws IOException {
    float[] many = new float[300_001]; // more than a buffer holds
    for (int i = 0; i < many.length; i++) {
      many[i] = i / 8f;
    }
    List<Content> contents =
        List.of(
            new Content("w", type, List.of(2L, 1L), () -> new float[] {1, -2}),
            new Content("many", type, List.of(300_001L), () -> many));
    SafetensorsFile.write(file, contents, Map.of("format", "pt"));

    assertThat(SafetensorsFile.sha256(contents, Map.of("format", "pt")))
        .isEqualTo(Sha256.of(file))
        .isNotEqualTo(SafetensorsFile.sha256(contents, Map.of()));
  }

  @ParameterizedTest
  @EnumSource(WeightType.class)
  void piecesOfAnySizeComeBackInTheirOrder(WeightType type) throws IOException {
    float[] many = new float[700_001]; // more than two buffers hold
    for (int i = 0; i < many.length; i++) {
      many[i] = i % 251 - 125; // what every type holds
    }
    SafetensorsFile.write(
        file,
        List.of(
            new Content(
                "many",
                type,
                List.of(700_001L),
                piece -> {
                  float[] values = new float[300_000];
                  int done = 0;
                  for (int size : new int[] {1, 299_999, 262_144, 0, 137_857}) {
                    System.arraycopy(many, done, values, 0, size);
                    piece.take(values, size, done);
                    done += size;
                  }
                })),
        Map.of());

    assertThat(SafetensorsFile.open(file).read("many", List.of(700_001L))).isEqualTo(many);
  }

  @Test
  void bfloat16RoundsToNearestEven() {
    // bfloat16 keeps 8 significant bits: between 256 and 258 lies the tie 257
    assertThat(SafetensorsWriter.toBfloat16(257)).isEqualTo(SafetensorsWriter.toBfloat16(256));
    assertThat(SafetensorsWriter.toBfloat16(259)).isEqualTo(SafetensorsWriter.toBfloat16(260));
    assertThat(SafetensorsWriter.toBfloat16(257.01f)).isEqualTo(SafetensorsWriter.toBfloat16(258));
    assertThat(Float.intBitsToFloat(SafetensorsWriter.toBfloat16(Float.NaN) << 16)).isNaN();
  }

  @Test
  void aMissingTensorAndAWrongShapeAreNamed() throws IOException {
    SafetensorsFile.write(
        file,
        List.of(new Content("w", WeightType.FLOAT32, List.of(1L), () -> new float[] {1})),
        Map.of());
    SafetensorsFile read = SafetensorsFile.open(file);
    assertThatThrownBy(() -> read.read("v", List.of(1L)))
        .isInstanceOf(ModelException.class)
        .hasMessageEndingWith("tensor v: missing (expected: shape [1])");
    assertThatThrownBy(() -> read.read("w", List.of(1L, 1L)))
        .hasMessageEndingWith("tensor w: shape [1] (expected: [1, 1])");
  }

  @Test
  void aFileOfAnotherFormatIsRefused() throws IOException {
    Files.writeString(file, "this is not a safetensors file at all");
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("expected: a safetensors file");
    Files.writeString(file, "short");
    assertThatThrownBy(() -> SafetensorsFile.open(file)).isInstanceOf(ModelException.class);
  }

  @Test
  void aTruncatedFileIsRefused() throws IOException {
    SafetensorsFile.write(
        file,
        List.of(new Content("w", WeightType.FLOAT32, List.of(4L), () -> new float[4])),
        Map.of());
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 3));
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOf(ModelException.class)
        .hasMessageEndingWith(
            "tensor w: bytes 0 to 16 after the header reach beyond the file, which has 13 there"
                + " (cut short?)");
  }

  @Test
  void aRangeThatDoesNotHoldItsShapeIsNamedWhereverItEnds() throws IOException {
    header("{\"w\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,12]}}", 12);
    assertRefused("tensor w: bytes 0 to 12 do not hold [4] F32");
    header("{\"w\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,12]}}", 8);
    assertRefused("tensor w: bytes 0 to 12 do not hold [4] F32");
  }

  @Test
  void aHeaderThatPromisesTheImpossibleIsRefused() throws IOException {
    for (String entry :
        List.of(
            "\"shape\":[-1],\"data_offsets\":[8,4]",
            "\"shape\":[9223372036854775807,3],\"data_offsets\":[0,4]",
            "\"shape\":[1],\"data_offsets\":[-4,0]",
            "\"shape\":[1],\"data_offsets\":[0,4,8]",
            "\"shape\":[1],\"data_offsets\":[0.5,4]",
            "\"shape\":[1],\"data_offsets\":[\"0\",\"4\"]",
            "\"shape\":[1.0],\"data_offsets\":[0,4]",
            "\"shape\":1,\"data_offsets\":[0,4]",
            "\"shape\":[1]")) {
      byte[] header =
          "{\"w\":{\"dtype\":\"F32\",%s}}".formatted(entry).getBytes(StandardCharsets.UTF_8);
      ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + 16).order(ByteOrder.LITTLE_ENDIAN);
      Files.write(file, bytes.putLong(header.length).put(header).array());

      assertThatThrownBy(() -> SafetensorsFile.open(file))
          .as(entry)
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("tensor w: bytes ");
    }
  }

  private void header(String json, int dataBytes) throws IOException {
    byte[] header = json.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    Files.write(file, bytes.putLong(header.length).put(header).array());
  }

  private void assertRefused(String message) {
    assertThatThrownBy(() -> SafetensorsFile.open(file))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(message);
  }

  @Test
  void tensorsThatOverlapOrLeaveGapsAreRefused() throws IOException {
    String two =
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
            + "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[%d,%d]}}";
    header(two.formatted(4, 12), 12);
    assertRefused("tensor b: overlaps tensor a");
    header(two.formatted(12, 20), 20);
    assertRefused("tensor b: 4 bytes that belong to no tensor before it, after tensor a");
    header(two.formatted(8, 16), 20);
    assertRefused("4 bytes that belong to no tensor at the end, after tensor b");
    header(two.formatted(8, 16), 16);
    assertThat(SafetensorsFile.open(file).names()).containsExactlyInAnyOrder("a", "b");
  }

  @Test
  void aHeaderThatReachesBeyondTheFileAllocatesNothing() throws IOException {
    for (long length : new long[] {99_999_999, Long.MAX_VALUE, -1}) {
      Files.write(
          file, ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
      assertRefused("header of " + length + " bytes in a file of 24");
    }
  }

  @Test
  void anotherTypeANameTwiceOrNoObjectIsRefused() throws IOException {
    header("{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8);
    assertRefused("tensor a: type I64 (expected: F32, BF16, F16)");
    String a = "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}";
    header("{" + a + "," + a + "}", 4);
    assertRefused("Duplicate field 'a'");
    header("[1, 2, 3]", 0);
    assertRefused("header: not a JSON object");
    header("{" + a + "} {" + a + "}", 4);
    assertRefused("Trailing token");
  }

  private void two() throws IOException {
    SafetensorsFile.write(
        file,
        List.of(
            new Content("a", WeightType.FLOAT32, List.of(2L, 3L), () -> new float[6]),
            new Content("b", WeightType.BFLOAT16, List.of(4L), () -> new float[4])),
        Map.of("step", "7"));
  }

  @Test
  void aFileCutAnywhereIsRefused() throws IOException {
    two();
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertRefused("");
    }
    Files.write(file, Arrays.copyOf(whole, whole.length + 1));
    assertRefused("1 bytes that belong to no tensor at the end, after tensor b");
  }

  @Test
  void aFileThatWasCutAfterItWasOpenedIsRefusedWhenItIsRead() throws IOException {
    two();
    SafetensorsFile opened = SafetensorsFile.open(file);
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length - 1));
    assertThat(opened.read("a", List.of(2L, 3L))).hasSize(6);
    assertThatThrownBy(() -> opened.read("b", List.of(4L)))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessageContaining("the file ends early, at byte " + (whole.length - 1));
  }

  @Test
  void aHeaderWithAnyByteChangedIsReadAsItIsOrRefused() throws IOException {
    two();
    byte[] whole = Files.readAllBytes(file);
    int header = whole.length - 6 * 4 - 4 * 2;
    RandomGenerator random = new SplittableRandom(4);
    int refused = 0;
    for (int i = 0; i < 2_000; i++) {
      byte[] changed = whole.clone();
      changed[random.nextInt(header)] = (byte) random.nextInt(256);
      Files.write(file, changed);
      try {
        SafetensorsFile read = SafetensorsFile.open(file);
        for (String name : read.names()) { // whatever it is called, it lies within the file
          assertThat(read.read(name, read.shape(name)).length).isIn(1, 2, 3, 4, 6, 8, 12, 16, 24);
        }
      } catch (ModelException e) {
        assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER);
        assertThat(e).hasMessageStartingWith(file.toString());
        refused++;
      }
    }
    assertThat(refused).isBetween(500, 1_999);
  }

  @Test
  void aTensorLongerThanThePieceIsReadInPieces() throws IOException {
    float[] values = new float[600_000];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    SafetensorsFile.write(
        file,
        List.of(new Content("w", WeightType.FLOAT32, List.of(600_000L), () -> values)),
        Map.of());
    float[] joined = new float[values.length];
    int[] pieces = new int[1];
    SafetensorsFile.open(file)
        .read(
            "w",
            List.of(600_000L),
            (piece, count, at) -> {
              System.arraycopy(piece, 0, joined, (int) at, count);
              pieces[0]++;
            });
    assertThat(joined).isEqualTo(values);
    assertThat(pieces[0]).isEqualTo(3); // of 262,144 numbers
  }
}
