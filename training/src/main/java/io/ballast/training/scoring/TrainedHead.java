package io.ballast.training.scoring;

/**
 * What came of a head's training.
 *
 * @param head with the weights that were best on what is held out
 * @param how it came to them, for a reader
 * @param validationLoss a term, of those weights
 */
record TrainedHead<H extends FeatureHead>(H head, String how, double validationLoss) {}
