package io.ballast.inference.store;

import io.ballast.kit.digest.Sha256;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.security.MessageDigest;

/** Keeps nothing of what is written to it but its SHA-256. */
final class DigestChannel implements WritableByteChannel {
  private final MessageDigest digest = Sha256.digest();

  @Override
  public int write(ByteBuffer bytes) {
    int count = bytes.remaining();
    digest.update(bytes);
    return count;
  }

  /** Finishes the digest: lower-case hexadecimal. */
  String sha256() {
    return Sha256.hex(digest);
  }

  @Override
  public boolean isOpen() {
    return true;
  }

  @Override
  public void close() {}
}
