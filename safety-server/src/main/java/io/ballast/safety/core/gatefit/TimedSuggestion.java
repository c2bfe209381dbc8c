package io.ballast.safety.core.gatefit;

import java.util.OptionalDouble;

/**
 * What a shown and answered suggestion took, in seconds by the client's clock.
 *
 * @param user whose editor; suggestions of one are alike
 * @param keptCharacters what of it was kept, in UTF-16 code units, ≥ 0; 0 for a rejected one
 * @param kept whether it or a part of it was kept
 * @param verification how long it was looked at, ≥ 0; empty: not known
 * @param editing how long it was changed after it was taken: 0 for one that was taken as it was;
 *     empty: not known, or rejected
 * @param waiting how long the mesh took to suggest, ≥ 0; empty: not known
 */
public record TimedSuggestion(
    String user,
    int keptCharacters,
    boolean kept,
    OptionalDouble verification,
    OptionalDouble editing,
    OptionalDouble waiting) {}
