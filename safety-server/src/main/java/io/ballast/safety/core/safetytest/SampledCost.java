package io.ballast.safety.core.safetytest;

import io.ballast.rl.bound.SafetyTest;
import io.ballast.rl.bound.SafetyTestResult;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;

/**
 * One sampled completion and what it counts as: a leaf of a certificate's Merkle tree.
 *
 * @param promptSha256 of the prompt's UTF-8 bytes; empty in a certificate of format 1
 * @param completionSha256 of the completion's UTF-8 bytes, or {@link #NO_COMPLETION}; empty in a
 *     certificate of format 1
 * @param cost what it counts as, 0 to 1
 * @param missing whether it had no cost
 * @param group of the prompt, from 1; 0: prompts have none
 */
public record SampledCost(
    String promptSha256, String completionSha256, double cost, boolean missing, int group) {
  /** Stands for the digest of a completion that there was none of. */
  public static final String NO_COMPLETION = "0".repeat(64);

  private static final int HASH_BYTES = 32;
  private static final int LEAF_BYTES = 2 * HASH_BYTES + Double.BYTES + 1;

  /** A sample of a prompt without a group. */
  public SampledCost(String promptSha256, String completionSha256, double cost, boolean missing) {
    this(promptSha256, completionSha256, cost, missing, 0);
  }

  /**
   * The leaf: both digests of 32 bytes, the cost as an IEEE 754 double, big-endian, and a byte that
   * is 1 if it had no cost; then, of a prompt that has one, its group in 4 bytes, big-endian.
   *
   * @throws IllegalArgumentException if a digest is not 64 hexadecimal digits
   */
  byte[] leaf() {
    ByteBuffer leaf =
        ByteBuffer.allocate(LEAF_BYTES + (group == 0 ? 0 : Integer.BYTES))
            .put(bytes(promptSha256))
            .put(bytes(completionSha256))
            .putDouble(cost)
            .put((byte) (missing ? 1 : 0));
    if (group != 0) {
      leaf.putInt(group);
    }
    return leaf.array();
  }

  private static byte[] bytes(String sha256) {
    byte[] bytes = HexFormat.of().parseHex(sha256);
    if (bytes.length != HASH_BYTES) {
      throw new IllegalArgumentException(
          "a digest of %d bytes (expected: %d)".formatted(bytes.length, HASH_BYTES));
    }
    return bytes;
  }

  /** The root over samples in the order of their prompts. */
  public static String merkleRoot(List<SampledCost> samples) {
    return MerkleTree.root(samples.stream().map(SampledCost::leaf).toList());
  }

  /** The same of a prompt of this group. */
  SampledCost of(int number) {
    return new SampledCost(promptSha256, completionSha256, cost, missing, number);
  }

  /**
   * What a test finds of samples.
   *
   * @throws IllegalArgumentException if they make no sample
   */
  static SafetyTestResult decide(SafetyTest rule, List<SampledCost> samples) {
    double[] costs = samples.stream().mapToDouble(SampledCost::cost).toArray();
    return samples.stream().anyMatch(sample -> sample.group() != 0)
        ? rule.decide(costs, samples.stream().mapToInt(SampledCost::group).toArray())
        : rule.decide(costs);
  }

  /** The costs alone. */
  public static List<Double> costs(List<SampledCost> samples) {
    return samples.stream().map(SampledCost::cost).toList();
  }
}
