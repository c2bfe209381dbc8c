package io.ballast.policy.core.version;

import io.ballast.kit.call.Caller;

/** Who says whether a safety certificate holds. */
public interface CertificateAuthority {
  /**
   * Asks whether a certificate is valid and names exactly these weights.
   *
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN if nobody can say
   */
  Finding verify(Caller caller, String certificateId, String candidateWeightsSha256);

  /**
   * What verification found.
   *
   * @param holds whether the certificate allows these weights
   * @param explanation why, for a person
   */
  record Finding(boolean holds, String explanation) {}
}
