package io.ballast.safety.testing;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.safety.adapter.FileSigningKeys;
import io.ballast.safety.core.safetytest.SigningKeys;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Real Ed25519 keys in folders that are deleted at once: they are read only once. */
public final class TestKeys {
  public static final SigningKeys ONE = make();
  public static final SigningKeys TWO = make();

  private TestKeys() {}

  /** After a rotation: {@link #TWO} signs, and what {@link #ONE} signed is still known. */
  public static SigningKeys rotated() {
    Map<String, PublicKey> both = new HashMap<>(ONE.verificationKeys());
    both.putAll(TWO.verificationKeys());
    return new Delegating(both);
  }

  /** A key management service that signs nothing now. */
  public static SigningKeys away() {
    return new Away();
  }

  /** A key that can be taken away and brought back. */
  public static final class Switched implements SigningKeys {
    private volatile boolean there = true;

    public void takeAway() {
      there = false;
    }

    public void bringBack() {
      there = true;
    }

    @Override
    public Optional<String> signingKeyId() {
      return there ? ONE.signingKeyId() : Optional.empty();
    }

    @Override
    public byte[] sign(byte[] message) {
      return ONE.sign(message);
    }

    @Override
    public Map<String, PublicKey> verificationKeys() {
      return ONE.verificationKeys();
    }
  }

  private static SigningKeys make() {
    try {
      Path folder = Files.createTempDirectory("test-keys");
      Path keys = folder.resolve("keys");
      SigningKeys made = FileSigningKeys.openOrMake(keys, new SecureRandom());
      for (String file : new String[] {"signing.pem", "signing.pub.pem"}) {
        Files.delete(keys.resolve(file));
      }
      Files.delete(keys);
      Files.delete(folder);
      return made;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private record Delegating(Map<String, PublicKey> verificationKeys) implements SigningKeys {
    @Override
    public Optional<String> signingKeyId() {
      return TWO.signingKeyId();
    }

    @Override
    public byte[] sign(byte[] message) {
      return TWO.sign(message);
    }
  }

  private record Away() implements SigningKeys {
    @Override
    public Optional<String> signingKeyId() {
      return ONE.signingKeyId();
    }

    @Override
    public byte[] sign(byte[] message) {
      throw new MeshException(Fault.DEPENDENCY_DOWN, "the key service does not answer");
    }

    @Override
    public Map<String, PublicKey> verificationKeys() {
      return ONE.verificationKeys();
    }
  }
}
