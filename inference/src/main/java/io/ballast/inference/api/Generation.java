package io.ballast.inference.api;

/**
 * A completion with what is needed to learn from it.
 *
 * @param promptTokens the prompt tokens that the model saw, after truncation and healing
 * @param tokens the tokens drawn, the healed token included, the end-of-text token excluded; with
 *     STOP_STRING the last token may reach past the text's end
 * @param text the completion, without the part that was typed already, ending before a stop string
 * @param logProbs shape [T], nats, under the model as it is (temperature 1, untruncated)
 * @param samplingLogProbs shape [T], nats, under the distribution that was drawn from
 * @param stopReason why it ended
 */
public record Generation(
    TokenIds promptTokens,
    TokenIds tokens,
    String text,
    PerToken logProbs,
    PerToken samplingLogProbs,
    StopReason stopReason) {}
