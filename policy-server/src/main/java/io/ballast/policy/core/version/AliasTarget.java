package io.ballast.policy.core.version;

import java.util.List;
import java.util.Optional;

/**
 * Where an alias points, as it is kept in memory.
 *
 * @param version what it means
 * @param revision of the alias
 * @param previous what it meant before its last move to elsewhere
 * @param canary what serves a part of the requests beside it
 */
record AliasTarget(
    CertifiedVersion version,
    long revision,
    Optional<CertifiedVersion> previous,
    Optional<Canary> canary) {
  /**
   * A canary that is under way.
   *
   * @param share in ten-thousandths
   */
  record Canary(CertifiedVersion version, int share) {}

  /** What is kept loaded for it. */
  List<CertifiedVersion> versions() {
    return canary.map(each -> List.of(version, each.version())).orElse(List.of(version));
  }
}
