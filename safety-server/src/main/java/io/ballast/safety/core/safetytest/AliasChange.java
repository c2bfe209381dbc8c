package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.PinnedVersion;
import java.util.Optional;

/**
 * The move of an alias that a certificate shall allow.
 *
 * @param alias of the candidate's model
 * @param candidate that it shall point to, with its weights
 * @param candidateFolderSha256 over all files of its folder; empty if it runs elsewhere
 * @param base that it points to now, with its weights; empty if it serves nothing
 * @param revision of the alias before the move, ≥ 0
 */
public record AliasChange(
    String alias,
    PinnedVersion candidate,
    String candidateFolderSha256,
    Optional<PinnedVersion> base,
    long revision) {}
