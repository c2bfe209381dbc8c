package io.ballast.safety.adapter;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.file.DurableMove;
import io.ballast.safety.core.safetytest.SigningKeys;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keys in a folder of PEM files: public keys, as many as signatures may be by, and at most one
 * private key, which signs. Its public half is among them. Thread-safe.
 */
public final class FileSigningKeys implements SigningKeys {
  private static final String PROPERTY = "ballast.safety.signing-keys";
  private static final String SUFFIX = ".pem";
  private static final Logger LOG = LoggerFactory.getLogger(FileSigningKeys.class);

  private final Map<String, PublicKey> publicKeys;
  private final @Nullable PrivateKey privateKey;
  private final @Nullable String signing;

  private FileSigningKeys(
      Map<String, PublicKey> publicKeys,
      @Nullable PrivateKey privateKey,
      @Nullable String signing) {
    this.publicKeys = Map.copyOf(publicKeys);
    this.privateKey = privateKey;
    this.signing = signing;
  }

  /** No key at all: nothing is signed, and nothing that was signed is known. */
  public static FileSigningKeys none() {
    return new FileSigningKeys(Map.of(), null, null);
  }

  /**
   * Reads a folder.
   *
   * @throws MeshException PRECONDITION_FAILED if a file holds no Ed25519 key, if private keys are
   *     two, or if the private key's public half is missing
   */
  public static FileSigningKeys open(Path folder) {
    Map<String, PublicKey> publicKeys = new TreeMap<>();
    PrivateKey privateKey = null;
    for (Path file : pemFiles(folder)) {
      String pem = read(file);
      try {
        switch (Ed25519Keys.label(pem)) {
          case Ed25519Keys.PUBLIC -> {
            PublicKey key = Ed25519Keys.publicKey(pem);
            publicKeys.put(Ed25519Keys.id(key), key);
          }
          case Ed25519Keys.PRIVATE -> {
            if (isOpenToAll(file)) {
              LOG.warn("{}: a private key that everybody may read (expected: 0600, or 0440)", file);
            }
            if (privateKey != null) {
              throw unusable(file + ": a second private key (expected: one, which signs)");
            }
            privateKey = Ed25519Keys.privateKey(pem);
          }
          default -> throw unusable(file + ": neither a private nor a public key in PEM");
        }
      } catch (IllegalArgumentException e) {
        throw unusable(file + ": " + e.getMessage());
      }
    }
    if (privateKey == null) {
      return new FileSigningKeys(publicKeys, null, null);
    }
    PrivateKey signer = privateKey;
    String id =
        publicKeys.entrySet().stream()
            .filter(entry -> Ed25519Keys.match(signer, entry.getValue()))
            .map(Map.Entry::getKey)
            .findFirst()
            .orElseThrow(
                () ->
                    unusable(
                        folder
                            + ": the public half of the private key is missing; write it with"
                            + " openssl pkey -pubout"));
    return new FileSigningKeys(publicKeys, signer, id);
  }

  /**
   * Reads a folder, which is made with a new key if it is not there: for one person's computer,
   * where nobody else holds keys.
   *
   * @throws MeshException as {@link #open}; PRECONDITION_FAILED if it cannot be written
   */
  public static FileSigningKeys openOrMake(Path folder, SecureRandom random) {
    if (!Files.isDirectory(folder)) {
      try {
        make(folder, random);
      } catch (IOException e) {
        throw unusable(folder + ": a key cannot be written: " + e.getMessage());
      }
    }
    return open(folder);
  }

  private static void make(Path folder, SecureRandom random) throws IOException {
    Path parent = folder.toAbsolutePath().getParent();
    if (parent != null) {
      DurableMove.createFolders(parent);
    }
    Path making =
        Files.createTempDirectory(
            parent,
            "keys-",
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    KeyPair pair = Ed25519Keys.generate(random);
    Path secret =
        Files.createFile(
            making.resolve("signing" + SUFFIX),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(secret, Ed25519Keys.pem(Ed25519Keys.PRIVATE, pair.getPrivate().getEncoded()));
    Files.writeString(
        making.resolve("signing.pub" + SUFFIX),
        Ed25519Keys.pem(Ed25519Keys.PUBLIC, pair.getPublic().getEncoded()));
    DurableMove.folder(making, folder);
  }

  /**
   * Whether everybody may read a file, where files have such permissions. A group may: Kubernetes
   * gives a Secret to its pod so.
   */
  static boolean isOpenToAll(Path file) {
    try {
      Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
      return permissions.contains(PosixFilePermission.OTHERS_READ);
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
  }

  private static List<Path> pemFiles(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw unusable(folder + ": no such folder");
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(SUFFIX)).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw unusable(file + ": " + e.getMessage());
    }
  }

  private static MeshException unusable(String flaw) {
    return new MeshException(Fault.PRECONDITION_FAILED, PROPERTY + ": " + flaw);
  }

  @Override
  public Optional<String> signingKeyId() {
    return Optional.ofNullable(signing);
  }

  @Override
  public byte[] sign(byte[] message) {
    if (privateKey == null) {
      throw new IllegalStateException("there is no private key");
    }
    return Ed25519Keys.sign(privateKey, message);
  }

  @Override
  public Map<String, PublicKey> verificationKeys() {
    return publicKeys;
  }
}
