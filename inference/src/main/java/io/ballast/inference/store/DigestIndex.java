package io.ballast.inference.store;

import io.ballast.kit.digest.Sha256;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.stream.LongStream;

/**
 * Which prompts, or which labels, a model was trained on, by the first 8 bytes of each one's
 * SHA-256: enough to tell whether another was trained on the same. Immutable.
 *
 * <p>On disk: those numbers, big-endian, ascending by their bytes, each once, and nothing else. Two
 * different ones of a million are taken for the same with a probability of about 3e-8.
 */
public final class DigestIndex {
  /** The file of the prompts that a folder's model was trained on. */
  public static final String PROMPTS = "prompts.idx";

  /** The file of the prompts with a completion that a folder's model has labels of. */
  public static final String LABELS = "labels.idx";

  private final long[] sorted;

  private DigestIndex(long[] sorted) {
    this.sorted = sorted;
  }

  /** Returns the index of digests, {@link #ofPrompt} or {@link #ofLabel}, in any order. */
  public static DigestIndex of(LongStream digests) {
    return new DigestIndex(
        digests.map(DigestIndex::bySign).sorted().distinct().map(DigestIndex::bySign).toArray());
  }

  /** Returns what a prompt is known by: of SHA-256 over its UTF-8 bytes. */
  public static long ofPrompt(String prompt) {
    return first(digest(prompt));
  }

  /**
   * Returns what a completion of a prompt is known by: of SHA-256 over the two SHA-256s of their
   * UTF-8 bytes, the prompt's first.
   */
  public static long ofLabel(String prompt, String completion) {
    MessageDigest both = Sha256.digest();
    both.update(digest(prompt));
    both.update(digest(completion));
    return first(both.digest());
  }

  private static byte[] digest(String text) {
    return Sha256.digest().digest(text.getBytes(StandardCharsets.UTF_8));
  }

  private static long first(byte[] digest) {
    return ByteBuffer.wrap(digest).getLong();
  }

  /** Lets the order of signed numbers be that of their bytes, and back. */
  private static long bySign(long digest) {
    return digest ^ Long.MIN_VALUE;
  }

  /** How many there are. */
  public int size() {
    return sorted.length;
  }

  /** Whether this is among them. */
  public boolean contains(long digest) {
    return find(digest) >= 0;
  }

  private int find(long digest) {
    int low = 0;
    int high = sorted.length - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int order = Long.compareUnsigned(sorted[middle], digest);
      if (order == 0) {
        return middle;
      }
      if (order < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -1;
  }

  /** How many are in both. */
  public int common(DigestIndex other) {
    return (int) Arrays.stream(sorted).filter(other::contains).count();
  }

  /** Writes it. */
  public void write(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(sorted.length * Long.BYTES);
    bytes.asLongBuffer().put(sorted);
    Files.write(file, bytes.array());
  }

  /**
   * Reads one.
   *
   * @throws IOException if it cannot be read, or is no such file; named
   */
  public static DigestIndex read(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
    if (bytes.capacity() % Long.BYTES != 0) {
      throw new IOException(
          "%s: %,d bytes (expected: a multiple of %d)"
              .formatted(file, bytes.capacity(), Long.BYTES));
    }
    long[] sorted = new long[bytes.capacity() / Long.BYTES];
    bytes.asLongBuffer().get(sorted);
    for (int i = 1; i < sorted.length; i++) {
      if (Long.compareUnsigned(sorted[i - 1], sorted[i]) >= 0) {
        throw new IOException("%s: entry %,d (expected: above the one before)".formatted(file, i));
      }
    }
    return new DigestIndex(sorted);
  }
}
