package io.ballast.standalone.experiment.ensembles;

/**
 * Where a policy stood when it drew an iteration's completions; means over them.
 *
 * @param kl KL(π ‖ π_init) of a completion in nats, estimated by the log-ratio of what was drawn
 * @param gold characters that the honest programmer keeps
 * @param proxy the reward that is optimised
 * @param variance of the members' normalised scores, divided by K
 */
record PolicyIteration(double kl, double gold, double proxy, double variance) {}
