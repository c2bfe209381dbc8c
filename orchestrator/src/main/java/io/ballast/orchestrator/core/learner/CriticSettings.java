package io.ballast.orchestrator.core.learner;

/**
 * A critic with a trunk of its own, that begins as a reward model: a version that is a sequence
 * classifier on a decoder and reads the policy's tokens.
 *
 * @param model the classifier's name
 * @param version its version
 * @param label whose score is the first value, counted from 0
 * @param rate its learning rate by the policy's, &gt; 0
 */
public record CriticSettings(String model, String version, int label, double rate) {}
