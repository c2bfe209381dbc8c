package io.ballast.inference.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.digest.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a model was trained on, by digests. */
class DigestIndexTest {
  @TempDir private Path folder = Path.of(".");

  @Test
  void aPromptIsKnownByTheFirstEightBytesOfItsDigest() {
    assertThat(HexFormat.of().toHexDigits(DigestIndex.ofPrompt("Grüße")))
        .isEqualTo(Sha256.of("Grüße").substring(0, 16));
  }

  @Test
  void promptAndCompletionAreNotInterchangeable() {
    assertThat(DigestIndex.ofLabel("ab", "c")).isNotEqualTo(DigestIndex.ofLabel("a", "bc"));
    assertThat(DigestIndex.ofLabel("a", "b")).isNotEqualTo(DigestIndex.ofLabel("b", "a"));
  }

  @Test
  void whatIsWrittenIsReadAgainInAnyOrderAndOnce() throws IOException {
    long[] digests = new SplittableRandom(1).longs(1_000).toArray();
    Path file = folder.resolve("prompts.idx");
    DigestIndex.of(LongStream.concat(LongStream.of(digests), LongStream.of(digests[3])))
        .write(file);
    DigestIndex read = DigestIndex.read(file);
    assertThat(read.size()).isEqualTo(1_000);
    assertThat(LongStream.of(digests).allMatch(read::contains)).isTrue();
    assertThat(read.contains(0)).isFalse();
    assertThat(Files.size(file)).isEqualTo(8_000);
  }

  @Test
  void whatIsInBothIsCounted() {
    DigestIndex one = DigestIndex.of(LongStream.of(-5, 3, 8, Long.MIN_VALUE, Long.MAX_VALUE));
    DigestIndex two = DigestIndex.of(LongStream.of(8, -5, Long.MAX_VALUE, 4));
    assertThat(one.common(two)).isEqualTo(3);
    assertThat(two.common(one)).isEqualTo(3);
    assertThat(one.common(DigestIndex.of(LongStream.empty()))).isZero();
  }

  @Test
  void aFileThatIsNoIndexIsNamed() throws IOException {
    Path file = Files.write(folder.resolve("labels.idx"), new byte[12]);
    assertThatThrownBy(() -> DigestIndex.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith("labels.idx: 12 bytes (expected: a multiple of 8)");
    Files.write(file, new byte[16]);
    assertThatThrownBy(() -> DigestIndex.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith("labels.idx: entry 1 (expected: above the one before)");
  }
}
