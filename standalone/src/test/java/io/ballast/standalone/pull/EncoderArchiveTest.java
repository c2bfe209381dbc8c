package io.ballast.standalone.pull;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.ModelStore;
import io.ballast.standalone.pull.ModelPull.Pulled;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;

/** An archive that climbs, lies or is damaged brings no file that it should not. */
class EncoderArchiveTest extends EncoderPulls {
  @Test
  void entriesThatClimbLandInside() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    entries.put("../../x/model.onnx", model());
    entries.put("../../x/tokenizer.json", tokenizer());
    entries.put("../../x/1_Pooling/config.json", bytes("{\"pooling_mode_cls_token\": true}"));
    entries.put("../../x/../../evil.sh", bytes("#!/bin/sh"));
    entries.put("/etc/evil", bytes("x"));

    assertThat(pull().local(zip("climbs.zip", entries), PLAIN).model().name()).isEqualTo("x");

    try (Stream<Path> all = Files.walk(folder)) {
      assertThat(all.map(file -> String.valueOf(file.getFileName())))
          .doesNotContain("evil.sh", "evil");
    }
    assertThat(data.resolve("models/x/1/1_Pooling/config.json")).exists();
    assertThat(Files.exists(folder.resolve("x"))).isFalse();
  }

  @Test
  void gigabytesOfZerosAreNotUnpacked() throws IOException {
    // a thousand zeros become a byte; 64 MB are there, and then 3 GB are said to be
    Path archive = folder.resolve("bomb.zip");
    try (OutputStream file = Files.newOutputStream(archive);
        ZipOutputStream out = new ZipOutputStream(file)) {
      out.setLevel(Deflater.BEST_SPEED);
      out.putNextEntry(new ZipEntry("tokenizer.json"));
      out.write(tokenizer());
      out.closeEntry();
      out.putNextEntry(new ZipEntry("model.onnx"));
      byte[] zeros = new byte[1 << 20];
      for (int i = 0; i < 64; i++) {
        out.write(zeros);
      }
      out.closeEntry();
    }
    assertRefused(archive, "BAD_ARCHIVE", "model.onnx: 67,108,864 bytes out of ");
    byte[] lying = Files.readAllBytes(archive);
    assertThat(replace(lying, 64 << 20, 3 << 30)).isEqualTo(2);
    Files.write(archive, lying);
    assertRefused(archive, "BAD_ARCHIVE", "model.onnx: 3,221,225,472 bytes out of ");
  }

  @Test
  void anEntryThatIsLongerThanItSaysIsNotUnpacked() throws IOException {
    byte[] archive =
        Files.readAllBytes(
            zip("short.zip", Map.of("model.onnx", model(), "tokenizer.json", tokenizer())));
    assertThat(replace(archive, model().length, model().length - 1)).isEqualTo(2);
    assertRefused(
        Files.write(folder.resolve("short.zip"), archive),
        "BAD_ARCHIVE",
        "model.onnx: longer than");
  }

  @Test
  void aConfigThatIsLongerThanItSaysIsNotRead() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    byte[] config = new byte[3 << 20];
    Arrays.fill(config, (byte) ' ');
    entries.put("config.json", config);
    entries.put("model.safetensors", new byte[] {1});
    // it has its own, so that the other is read only to see whether the weights are a decoder's
    entries.put("onnx/config.json", bytes("{}"));
    entries.put("onnx/model.onnx", model());
    entries.put("onnx/tokenizer.json", tokenizer());
    byte[] archive = Files.readAllBytes(zip("config.zip", entries));
    Path lying = folder.resolve("config.zip");
    assertRefused(lying, "BAD_ARCHIVE", "config.json: 3,145,728 bytes out of ");
    assertThat(replace(archive, config.length, 10)).isEqualTo(2);
    assertRefused(
        Files.write(lying, archive),
        "BAD_ARCHIVE",
        "config.json: longer than the 10 bytes it says");
  }

  /** Replaces a little-endian number of 32 bits wherever it stands; returns how often it did. */
  private static int replace(byte[] bytes, int before, int after) {
    int count = 0;
    for (int at = 0; at + 4 <= bytes.length; at++) {
      int number = 0;
      for (int i = 3; i >= 0; i--) {
        number = number << 8 | bytes[at + i] & 0xff;
      }
      if (number == before) {
        count++;
        for (int i = 0; i < 4; i++) {
          bytes[at + i] = (byte) (after >> 8 * i);
        }
      }
    }
    return count;
  }

  @Test
  void aTokenizerThatWouldFillTheMemoryIsNotUnpacked() throws IOException {
    byte[] large = new byte[(64 << 20) + 1];
    Arrays.fill(large, (byte) ' ');
    for (int i = 0; i < large.length; i += 61) {
      large[i] = (byte) (i * 31 >> 3); // so that it does not shrink to a hundredth
    }
    assertRefused(
        zip("large.zip", Map.of("model.onnx", model(), "tokenizer.json", large)),
        "BAD_ARCHIVE",
        "tokenizer.json: 67,108,865 bytes (expected: at most 67,108,864)");
  }

  @Test
  void anArchiveCutAnywhereIsRefused() throws IOException {
    byte[] whole =
        Files.readAllBytes(
            zip("whole.jar", Map.of("model.onnx", model(), "tokenizer.json", tokenizer())));
    for (int length = 0; length < whole.length; length += 1 + length / 10) {
      assertRefused(
          Files.write(folder.resolve("cut.jar"), Arrays.copyOf(whole, length)),
          "BAD_ARCHIVE",
          "cut.jar: ");
    }
  }

  @Test
  void aFlippedBitIsFoundWhereverItIs() throws IOException {
    byte[] whole =
        Files.readAllBytes(
            zip("whole.jar", Map.of("model.onnx", model(), "tokenizer.json", tokenizer())));
    for (int at = 0; at < whole.length; at += 7) {
      byte[] flipped = whole.clone();
      flipped[at] ^= 4;
      Path archive = Files.write(folder.resolve("flipped.jar"), flipped);
      try {
        Pulled pulled = pull().local(archive, PLAIN); // a date, or an attribute that nobody reads
        assertThat(Files.readAllBytes(pulled.model().folder().resolve("model.onnx")))
            .isEqualTo(model());
        ModelStore.deleteAll(data.resolve("models"));
      } catch (PullException | ModelException e) {
        assertNothingCame();
      }
    }
  }
}
