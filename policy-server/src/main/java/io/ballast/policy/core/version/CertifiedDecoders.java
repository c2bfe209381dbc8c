package io.ballast.policy.core.version;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.Map;
import java.util.Optional;

/**
 * Decoders for aliases: only such as were loaded from the folder that the certificate was for,
 * whenever that is, after a promotion, a restart or a rollback. Thread-safe.
 */
final class CertifiedDecoders {
  private final DecoderLoader loader;
  private final ServingDecoders serving;

  CertifiedDecoders(DecoderLoader loader, ServingDecoders serving) {
    this.loader = loader;
    this.serving = serving;
  }

  /** The folder of the decoder that is loaded, of what would be if none is; empty: no folder. */
  String folderSha256(PinnedVersion version) {
    return serving.folderSha256(version).orElseGet(() -> onDisk(version));
  }

  /** Why a version is not what was certified, in words; empty: it is. */
  Optional<String> flaw(CertifiedVersion wanted) {
    String folder = folderSha256(wanted.version());
    return folder.isEmpty() || wanted.allows(folder) // that there is no folder is the load's to say
        ? Optional.empty()
        : Optional.of(flaw(wanted, folder));
  }

  /** Returns a lease if what was certified is loaded, without loading it. */
  Optional<Lease> acquireLoaded(CertifiedVersion wanted) {
    return serving
        .acquireLoaded(wanted.version())
        .filter(
            lease -> {
              boolean allowed = wanted.allows(lease.folderSha256());
              if (!allowed) {
                lease.close();
              }
              return allowed;
            });
  }

  /**
   * Returns a lease, loading first if need be.
   *
   * @throws MeshException SAFETY_GATE_CLOSED if the folder is another than was certified; as {@link
   *     ServingDecoders#acquire}
   */
  Lease acquire(CertifiedVersion wanted) {
    requireCertified(wanted);
    Lease lease = serving.acquire(wanted.version());
    if (!wanted.allows(lease.folderSha256())) {
      lease.close();
      throw other(wanted, lease.folderSha256());
    }
    return lease;
  }

  /**
   * Loads and keeps a version, as {@link ServingDecoders#keep}.
   *
   * @throws MeshException SAFETY_GATE_CLOSED if the folder is another than was certified; as {@link
   *     DecoderLoader#load}
   */
  void keep(CertifiedVersion wanted) {
    requireCertified(wanted);
    String loaded = serving.keep(wanted.version());
    if (!wanted.allows(loaded)) {
      serving.retire(wanted.version());
      throw other(wanted, loaded);
    }
  }

  /** What was loaded before the folder was mended is loaded again. */
  private void requireCertified(CertifiedVersion wanted) {
    serving
        .folderSha256(wanted.version())
        .filter(loaded -> !wanted.allows(loaded) && wanted.allows(onDisk(wanted.version())))
        .ifPresent(loaded -> serving.reload(wanted.version(), loaded));
    flaw(wanted)
        .ifPresent(
            flaw -> {
              throw closed(wanted, flaw);
            });
  }

  private String onDisk(PinnedVersion version) {
    return loader.folderSha256(version.model(), version.version());
  }

  private static MeshException other(CertifiedVersion wanted, String folder) {
    return closed(wanted, flaw(wanted, folder));
  }

  private static String flaw(CertifiedVersion wanted, String folder) {
    return "version %s of %s: folder_sha256 %s (expected: %s, which was certified)"
        .formatted(
            wanted.version().version(), wanted.version().model(), folder, wanted.folderSha256());
  }

  private static MeshException closed(CertifiedVersion wanted, String flaw) {
    return new MeshException(
        Fault.SAFETY_GATE_CLOSED,
        flaw,
        Map.of(
            "model", wanted.version().model(),
            "version", wanted.version().version(),
            "expected_folder_sha256", wanted.folderSha256()));
  }
}
