package io.ballast.reward.core;

import java.util.OptionalDouble;

/**
 * What one member said, on its own scale and on the common one.
 *
 * @param outcome a finite raw score, or why there is none
 * @param normalised the score on the common scale; empty with a failure
 */
public record MemberJudgement(MemberOutcome outcome, OptionalDouble normalised) {}
