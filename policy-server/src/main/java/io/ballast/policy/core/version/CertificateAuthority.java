package io.ballast.policy.core.version;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.PinnedVersion;

/** Who says whether a safety certificate holds. */
public interface CertificateAuthority {
  /**
   * Asks whether a certificate is valid and names exactly this version: model, version and weights.
   * The same weights under another name may have another tokenizer or configuration, and so draw
   * what nobody tested.
   *
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN if nobody can say
   */
  Finding verify(Caller caller, String certificateId, PinnedVersion candidate);

  /**
   * What verification found.
   *
   * @param holds whether the certificate allows this version
   * @param explanation why, for a person
   */
  record Finding(boolean holds, String explanation) {}
}
