package io.ballast.policy.core.version;

import io.ballast.kit.call.PinnedVersion;

/** Where decoders come from: the model folders and the engine that runs them. */
public interface DecoderLoader {
  /**
   * Verifies the checksums of a published model folder and returns what it holds.
   *
   * @throws io.ballast.kit.error.MeshException UNKNOWN_MODEL if there is no such folder,
   *     PRECONDITION_FAILED if a file is missing or is not what it should be, CORRUPT_WEIGHTS if a
   *     checksum differs
   */
  FolderFacts inspect(String model, String version);

  /**
   * SHA-256 over the names and checksums of all files of a version's folder, as its manifest says
   * them: the same weights with another tokenizer are another folder. Empty if there is none here.
   *
   * @throws io.ballast.kit.error.MeshException PRECONDITION_FAILED if the manifest cannot be read
   */
  default String folderSha256(String model, String version) {
    return "";
  }

  /**
   * Returns a decoder that is ready to serve, with the digest of the folder that it was read from,
   * whose checksums were verified; the caller closes it. May take seconds.
   *
   * @throws io.ballast.kit.error.MeshException as {@link #inspect}; CORRUPT_WEIGHTS also if the
   *     folder's weights are not those of {@code version}; VERSION_CONFLICT if the folder became
   *     another while it was read; OVERLOADED if there is not the memory beside what is loaded,
   *     PRECONDITION_FAILED if there never is
   */
  LoadedDecoder load(PinnedVersion version);
}
