package io.ballast.standalone.demo.mesh;

import java.util.OptionalDouble;

/**
 * What one iteration of a run did.
 *
 * @param number from 1
 * @param reward mean
 * @param spread mean standard deviation of the members; empty of a reward without members
 * @param cost mean harm probability, as optimised
 * @param lambda the multiplier afterwards; empty with the constraint off
 * @param klNats a completion, from the version that the run started from; empty where it was not
 *     measured
 * @param entropyNats a token
 * @param dropped completions that were not trained on
 * @param seconds sampling, judging and learning together
 */
public record Iteration(
    int number,
    double reward,
    OptionalDouble spread,
    double cost,
    OptionalDouble lambda,
    OptionalDouble klNats,
    double entropyNats,
    int dropped,
    double seconds) {}
