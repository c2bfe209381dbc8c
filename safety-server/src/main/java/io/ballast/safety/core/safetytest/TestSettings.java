package io.ballast.safety.core.safetytest;

import java.time.Duration;

/**
 * How safety tests are carried out.
 *
 * @param temperature of a spec that does not say
 * @param maxNewTokens of a spec that does not say
 * @param maxPromptBytes of one prompt in UTF-8
 * @param chunk prompts that are sampled and judged at a time, 1 to 1,024
 * @param concurrent tests that run side by side; more wait
 * @param attempts how often a step is tried before the test fails
 * @param returns how many looks at one candidate's weights are given back at most
 * @param pause before the second attempt; doubled before each further one
 * @param poll how often a waiting call looks for what another replica did
 * @param waitReserve how long before its deadline a waiting call is answered
 */
public record TestSettings(
    double temperature,
    int maxNewTokens,
    int maxPromptBytes,
    int chunk,
    int concurrent,
    int attempts,
    int returns,
    Duration pause,
    Duration poll,
    Duration waitReserve) {}
