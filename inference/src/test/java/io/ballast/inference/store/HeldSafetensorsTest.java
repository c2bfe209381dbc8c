package io.ballast.inference.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.SafetensorsFile.Content;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is held open stays what it was, whatever stands in its place. */
class HeldSafetensorsTest {
  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void aFile() throws IOException {
    file = folder.resolve("a.safetensors");
    write(file, 1, "old");
  }

  private static void write(Path path, float value, String note) throws IOException {
    SafetensorsFile.write(
        path,
        List.of(
            new Content("w", WeightType.FLOAT32, List.of(2L), () -> new float[] {value, value})),
        Map.of("note", note));
  }

  private static List<Float> numbers(HeldSafetensors held, long count) {
    List<Float> numbers = new ArrayList<>();
    held.read(
        "w",
        List.of(count),
        (values, read, at) -> {
          for (int i = 0; i < read; i++) {
            numbers.add(values[i]);
          }
        });
    return numbers;
  }

  @Test
  void whatIsMovedIntoItsPlaceIsAnotherFile() throws IOException {
    Path other = folder.resolve("b.safetensors");
    write(other, 2, "new");
    try (HeldSafetensors held = HeldSafetensors.open(file)) {
      Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
      assertThat(held.metadata()).containsEntry("note", "old");
      assertThat(numbers(held, 2)).containsExactly(1f, 1f);
    }
    try (HeldSafetensors held = HeldSafetensors.open(file)) {
      assertThat(held.metadata()).containsEntry("note", "new");
      assertThat(numbers(held, 2)).containsExactly(2f, 2f);
    }
  }

  @Test
  void whatCannotBeReadIsNamedWithTheFile() throws IOException {
    try (HeldSafetensors held = HeldSafetensors.open(file)) {
      assertInvalid(() -> numbers(held, 3), ": tensor w: shape [2] (expected: [3])");
      long size = Files.size(file);
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(size - 4);
      }
      assertInvalid(() -> numbers(held, 2), ": the file ends early, at byte " + (size - 4));
    }
    assertInvalid(() -> HeldSafetensors.open(file).close(), ": tensor w: bytes 0 to 8 after the");
    Files.delete(file);
    assertInvalid(() -> HeldSafetensors.open(file).close(), ": the file is missing");
  }

  private void assertInvalid(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessageStartingWith(file + message);
  }
}
