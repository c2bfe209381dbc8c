package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.Texts;
import io.ballast.kit.digest.Sha256;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * The held-out prompts of one test, in the order given; no two are equal.
 *
 * @param prompts 2 to 10,000, each at least one byte
 * @param groups the group of each prompt, such as its file: prompts of one group are not
 *     independent; empty: each is its own
 */
public record PromptSet(List<String> prompts, List<String> groups) {
  private static final int LEAST = 2;
  private static final int MOST = 10_000;
  private static final int MAX_GROUP_CHARACTERS = 128;

  public PromptSet {
    prompts = List.copyOf(prompts);
    groups = List.copyOf(groups);
  }

  /** Prompts that are independent of each other. */
  public PromptSet(List<String> prompts) {
    this(prompts, List.of());
  }

  /**
   * Returns the set of {@code prompts} after checking each.
   *
   * @param field names them in messages
   * @param maxBytes of one prompt in UTF-8
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the first flaw
   */
  static PromptSet checked(String field, List<String> prompts, List<String> groups, int maxBytes) {
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
    if (!groups.isEmpty()) {
      requireGroups(prompts, groups);
    }
    return new PromptSet(prompts, groups);
  }

  private static void requireGroups(List<String> prompts, List<String> groups) {
    if (groups.size() != prompts.size()) {
      throw Texts.malformed(
          "spec.groups",
          "%,d (expected: one for each of the %,d prompts, or none)"
              .formatted(groups.size(), prompts.size()));
    }
    for (int i = 0; i < groups.size(); i++) {
      String field = "spec.groups[" + i + "]";
      if (Texts.requireLine(field, groups.get(i), MAX_GROUP_CHARACTERS).isEmpty()) {
        throw Texts.malformed(field, "empty (expected: the group's name)");
      }
    }
    if (Set.copyOf(groups).size() < LEAST) {
      throw Texts.malformed("spec.groups", "1 group (expected: 2 or more)");
    }
  }

  /** How many groups there are; 0: prompts have none. */
  public int groupsCount() {
    return Set.copyOf(groups).size();
  }

  /** Whether some group has more than one prompt. */
  boolean hasLargeGroups() {
    return groupsCount() < groups.size();
  }

  /**
   * The group of each prompt, counted from 1 in the order in which they come first; empty if they
   * have none.
   */
  List<Integer> groupNumbers() {
    Map<String, Integer> numbers = new HashMap<>();
    return groups.stream()
        .map(group -> numbers.computeIfAbsent(group, unused -> numbers.size() + 1))
        .toList();
  }

  /**
   * Draws without replacement: of groups as many as there can be, and of each as few.
   *
   * @param free the hashes of the prompts that may be drawn
   * @param count at most as many as are free
   * @return the prompts in the order drawn
   */
  public PromptSet drawn(Set<String> free, int count, RandomGenerator random) {
    List<Integer> left =
        new ArrayList<>(
            IntStream.range(0, size())
                .filter(i -> free.contains(Sha256.of(prompts.get(i))))
                .boxed()
                .toList());
    Collections.shuffle(left, random);
    List<Integer> drawn = (groups.isEmpty() ? left : byTurns(left)).subList(0, count);
    return new PromptSet(
        drawn.stream().map(prompts::get).toList(),
        groups.isEmpty() ? groups : drawn.stream().map(groups::get).toList());
  }

  /** The first of each group, then the second of each, and so on. */
  private List<Integer> byTurns(List<Integer> positions) {
    Map<String, Integer> seen = new HashMap<>();
    Map<Integer, Integer> turns = new HashMap<>();
    positions.forEach(i -> turns.put(i, seen.merge(groups.get(i), 1, Integer::sum)));
    return positions.stream().sorted(Comparator.comparing(turns::get)).toList();
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
