package io.ballast.safety.core.safetytest;

import io.ballast.kit.digest.Sha256;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;

/**
 * The root of a Merkle tree over an ordered list: one hash that changes with any leaf, and from
 * which a single leaf can be proved with log₂ n hashes.
 *
 * <pre>
 * root()      = SHA-256()
 * root(d)     = SHA-256(0x00 ‖ d)
 * root(d[n])  = SHA-256(0x01 ‖ root(d[0:k]) ‖ root(d[k:n])), k the largest power of two below n
 * </pre>
 *
 * <p>Source: RFC 6962, §2.1. The two prefixes keep a leaf from passing for a node.
 */
public final class MerkleTree {
  private static final byte LEAF = 0;
  private static final byte NODE = 1;

  private MerkleTree() {}

  /** Returns the root over {@code leaves} as 64 lower-case hexadecimal digits. */
  public static String root(List<byte[]> leaves) {
    return HexFormat.of().formatHex(hash(leaves));
  }

  private static byte[] hash(List<byte[]> leaves) {
    MessageDigest digest = Sha256.digest();
    if (leaves.isEmpty()) {
      return digest.digest();
    }
    if (leaves.size() == 1) {
      digest.update(LEAF);
      return digest.digest(leaves.getFirst());
    }
    int left = Integer.highestOneBit(leaves.size() - 1);
    byte[] first = hash(leaves.subList(0, left));
    byte[] second = hash(leaves.subList(left, leaves.size()));
    digest.update(NODE);
    digest.update(first);
    return digest.digest(second);
  }
}
