package io.ballast.policy.core.version;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.PinnedVersion;

/** Who says whether a safety certificate holds. */
public interface CertificateAuthority {
  /**
   * What a certificate shall allow.
   *
   * @param candidate the version to promote
   * @param folderSha256 over all files of its folder; empty if it runs elsewhere
   * @param alias that shall point to it
   */
  record Promoted(PinnedVersion candidate, String folderSha256, String alias) {}

  /**
   * Asks whether a certificate is valid now and names exactly this version: model, version, weights
   * and folder, and no other alias. The same weights under another name may have another tokenizer
   * or configuration, and so draw what nobody tested.
   *
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN if nobody can say
   */
  Finding verify(Caller caller, String certificateId, Promoted promoted);

  /**
   * What verification found.
   *
   * @param holds whether the certificate allows this version
   * @param explanation why, for a person
   */
  record Finding(boolean holds, String explanation) {}
}
