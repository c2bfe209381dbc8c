package io.ballast.policy.core.version;

import io.ballast.inference.api.Decoder;
import io.ballast.kit.call.PinnedVersion;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The right to use one version's decoder. While a lease is open the decoder is, whatever becomes of
 * the aliases.
 */
public final class Lease implements AutoCloseable {
  private final PinnedVersion version;
  private final LoadedDecoder loaded;
  private final Runnable release;
  private final AtomicBoolean closed = new AtomicBoolean();

  Lease(PinnedVersion version, LoadedDecoder loaded, Runnable release) {
    this.version = version;
    this.loaded = loaded;
    this.release = release;
  }

  /** Which version this is. */
  public PinnedVersion version() {
    return version;
  }

  /** Its decoder; do not close it. */
  public Decoder decoder() {
    return loaded.decoder();
  }

  /** What it was loaded from, as {@link LoadedDecoder} says it. */
  public String folderSha256() {
    return loaded.folderSha256();
  }

  /** Gives the decoder back. A second time has no effect. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      release.run();
    }
  }
}
