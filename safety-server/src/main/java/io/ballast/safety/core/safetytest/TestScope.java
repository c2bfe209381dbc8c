package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.PinnedVersion;
import java.util.Optional;

/**
 * What a certificate of a test would hold for, beyond the candidate's weights.
 *
 * @param candidateFolderSha256 over all files of the candidate's folder; empty if it runs elsewhere
 * @param costModelFolderSha256 over all files of the cost model's folder, its calibration among
 *     them; empty if there is none here
 * @param base the version that the candidate would replace; empty if nobody said
 * @param alias that the candidate may be promoted to; empty: any
 * @param dependence of the judge on what the run optimised against, where the spec allows it;
 *     empty: it is independent as far as the models say
 */
public record TestScope(
    String candidateFolderSha256,
    String costModelFolderSha256,
    Optional<PinnedVersion> base,
    String alias,
    Optional<JudgeDependence> dependence) {}
