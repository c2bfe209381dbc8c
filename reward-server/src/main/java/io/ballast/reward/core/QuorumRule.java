package io.ballast.reward.core;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * What an operator demands of one ensemble; what is absent is the server's.
 *
 * @param quorum the least number of members that must answer; 0: all
 * @param worstCaseNeedsAll whether WCO and the lower quantile need every member
 */
public record QuorumRule(OptionalInt quorum, Optional<Boolean> worstCaseNeedsAll) {}
