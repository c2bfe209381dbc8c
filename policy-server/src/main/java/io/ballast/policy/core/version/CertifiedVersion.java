package io.ballast.policy.core.version;

import io.ballast.kit.call.PinnedVersion;

/**
 * A version that an alias means, and the folder that its certificate was for: the same weights with
 * another tokenizer or configuration are another candidate.
 *
 * @param folderSha256 over all files of the folder; empty where any will do: without a certificate,
 *     by a move of before it was on record, or because the version runs elsewhere, where its place
 *     stands for its weights
 */
record CertifiedVersion(PinnedVersion version, String folderSha256) {
  /** Whether a decoder of that folder is what was certified. */
  boolean allows(String folder) {
    return folderSha256.isEmpty() || folderSha256.equals(folder);
  }
}
