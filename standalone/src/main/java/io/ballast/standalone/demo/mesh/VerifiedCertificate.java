package io.ballast.standalone.demo.mesh;

import java.util.List;

/**
 * What verification found.
 *
 * @param upperBound computed anew from the stored costs
 * @param findings each check with what it found
 */
public record VerifiedCertificate(
    String id, boolean valid, double upperBound, List<String> findings) {
  public VerifiedCertificate {
    findings = List.copyOf(findings);
  }
}
