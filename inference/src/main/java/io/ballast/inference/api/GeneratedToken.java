package io.ballast.inference.api;

/**
 * One step of a generation.
 *
 * @param tokenId the token drawn
 * @param logProb its log-probability in nats under the model as it is (temperature 1, untruncated)
 * @param samplingLogProb its log-probability in nats under the distribution that it was drawn from
 *     (0 when greedy)
 * @param text the text that became certain with this token; may be empty while a character or a
 *     stop string is incomplete
 */
public record GeneratedToken(int tokenId, float logProb, float samplingLogProb, String text) {}
