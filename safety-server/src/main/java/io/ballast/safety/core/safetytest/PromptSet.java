package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.Texts;
import io.ballast.kit.digest.Sha256;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;

/**
 * The held-out prompts of one test, in the order given; no two are equal.
 *
 * @param prompts 2 to 10,000, each at least one byte
 */
public record PromptSet(List<String> prompts) {
  private static final int LEAST = 2;
  private static final int MOST = 10_000;

  public PromptSet {
    prompts = List.copyOf(prompts);
  }

  /**
   * Returns the set of {@code prompts} after checking each.
   *
   * @param field names them in messages
   * @param maxBytes of one prompt in UTF-8
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the first flaw
   */
  static PromptSet checked(String field, List<String> prompts, int maxBytes) {
    if (prompts.size() < LEAST || prompts.size() > MOST) {
      throw Texts.malformed(
          field, "%,d prompts (expected: %d to %,d)".formatted(prompts.size(), LEAST, MOST));
    }
    Map<String, Integer> seen = new HashMap<>();
    for (int i = 0; i < prompts.size(); i++) {
      String path = field + "[" + i + "]";
      String prompt = prompts.get(i);
      if (prompt.isEmpty()) {
        throw Texts.malformed(path, "empty (expected: at least 1 byte)");
      }
      int bytes = Texts.utf8Bytes(prompt);
      if (bytes > maxBytes) {
        throw Texts.malformed(path, "%,d bytes, limit %,d".formatted(bytes, maxBytes));
      }
      String flaw = Texts.storageFlaw(prompt);
      if (flaw != null) {
        throw Texts.malformed(path, flaw);
      }
      Integer twin = seen.put(prompt, i);
      if (twin != null) {
        throw Texts.malformed(path, "the same as %s[%d]".formatted(field, twin));
      }
    }
    return new PromptSet(prompts);
  }

  /**
   * Draws without replacement.
   *
   * @param free the hashes of the prompts that may be drawn
   * @param count at most as many as are free
   * @return the prompts in the order drawn
   */
  public PromptSet drawn(Set<String> free, int count, RandomGenerator random) {
    List<String> left =
        new ArrayList<>(
            prompts.stream().filter(prompt -> free.contains(Sha256.of(prompt))).toList());
    for (int i = 0; i < count; i++) { // Fisher-Yates, as far as is needed
      Collections.swap(left, i, random.nextInt(i, left.size()));
    }
    return new PromptSet(left.subList(0, count));
  }

  /** How many prompts there are. */
  public int size() {
    return prompts.size();
  }

  /**
   * The hash that names the set, whatever the order of its prompts: SHA-256 over each prompt, in
   * the order of their UTF-8 bytes, as its length in 8 bytes, big-endian, and its bytes.
   */
  public String sha256() {
    List<byte[]> sorted =
        prompts.stream()
            .map(prompt -> prompt.getBytes(StandardCharsets.UTF_8))
            .sorted(Arrays::compareUnsigned)
            .toList();
    MessageDigest digest = Sha256.digest();
    for (byte[] prompt : sorted) {
      digest.update(ByteBuffer.allocate(Long.BYTES).putLong(prompt.length).array());
      digest.update(prompt);
    }
    return Sha256.hex(digest);
  }

  /** The hash of each prompt, ascending: by these a prompt is known to be spent. */
  public List<String> promptHashes() {
    return prompts.stream().map(Sha256::of).sorted().toList();
  }
}
