package io.ballast.safety.adapter;

import io.ballast.kit.error.MeshException;
import io.ballast.safety.core.safetytest.SigningKeys;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.PublicKey;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The keys of a folder as it is now: a key that is added is used from then on, without a restart. A
 * folder that cannot be read is told once, and the keys stay what they were. Thread-safe.
 */
public final class FolderSigningKeys implements SigningKeys {
  private static final Logger LOG = LoggerFactory.getLogger(FolderSigningKeys.class);

  private final Path folder;
  private volatile Read read;

  /** Keys, and what the folder's files were like when they were read. */
  private record Read(Map<String, Stamp> files, FileSigningKeys keys) {}

  private record Stamp(long modifiedMillis, long bytes) {}

  /**
   * @throws MeshException as {@link FileSigningKeys#open}
   */
  public FolderSigningKeys(Path folder) {
    this.folder = folder;
    Map<String, Stamp> files = stamps();
    this.read = new Read(files, FileSigningKeys.open(folder));
  }

  private FileSigningKeys keys() {
    Map<String, Stamp> files = stamps();
    if (!files.equals(read.files())) {
      synchronized (this) {
        if (!files.equals(read.files())) {
          read = new Read(files, reread());
        }
      }
    }
    return read.keys();
  }

  private FileSigningKeys reread() {
    try {
      FileSigningKeys keys = FileSigningKeys.open(folder);
      LOG.info(
          "signing keys were read again: {} to verify with, {}",
          keys.verificationKeys().size(),
          keys.signingKeyId().map(id -> "one to sign with, " + id).orElse("none to sign with"));
      return keys;
    } catch (MeshException e) {
      LOG.error("the signing keys stay what they were: {}", e.getMessage());
      return read.keys();
    }
  }

  private Map<String, Stamp> stamps() {
    Map<String, Stamp> stamps = new TreeMap<>();
    if (!Files.isDirectory(folder)) {
      return stamps;
    }
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
        stamps.put(
            folder.relativize(file).toString(),
            new Stamp(found.lastModifiedTime().toMillis(), found.size()));
      }
    } catch (IOException | UncheckedIOException e) { // a file went away: the next look sees more
      LOG.debug("{}: {}", folder, e.getMessage());
    }
    return stamps;
  }

  @Override
  public Optional<String> signingKeyId() {
    return keys().signingKeyId();
  }

  @Override
  public byte[] sign(byte[] message) {
    return keys().sign(message);
  }

  @Override
  public Map<String, PublicKey> verificationKeys() {
    return keys().verificationKeys();
  }
}
