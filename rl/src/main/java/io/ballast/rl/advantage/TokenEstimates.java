package io.ballast.rl.advantage;

import io.ballast.rl.sample.Numbers;

/**
 * What generalised advantage estimation says of one completion.
 *
 * @param advantages shape [T]
 * @param returns shape [T]: what the critic should have said
 */
public record TokenEstimates(Numbers advantages, Numbers returns) {}
