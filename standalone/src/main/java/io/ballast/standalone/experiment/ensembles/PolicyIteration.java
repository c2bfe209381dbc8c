package io.ballast.standalone.experiment.ensembles;

/**
 * Where a policy stood when it drew an iteration's completions; means over those that were scored.
 *
 * @param kl KL(π ‖ π_init) of a completion in nats, estimated by the log-ratio of what was drawn
 * @param gold characters that the honest programmer keeps
 * @param proxy the reward that is optimised
 * @param variance of the members' normalised scores, divided by K
 * @param unscored completions that have no reward and were left out
 * @param alone completions left out because no other of their prompt has a reward
 */
record PolicyIteration(
    double kl, double gold, double proxy, double variance, int unscored, int alone) {
  /** How many completions were drawn and nothing was learned from. */
  int leftOut() {
    return unscored + alone;
  }
}
