package io.ballast.standalone.demo.mesh;

import java.util.OptionalDouble;

/**
 * The mesh's answer to one question.
 *
 * @param id of the suggestion, for feedback
 * @param fate what became of it
 * @param reason why, in words
 * @param text to insert; empty unless shown
 * @param acceptProbability that the decision rests on; empty if no gate answered
 * @param acceptThreshold below which the gate withholds; empty if no gate answered
 * @param gateWithholds whether a stage of the gate would withhold it, in force or not
 * @param stageTwoProbability what stage 2 expects; empty if it was not asked
 * @param reward aggregated over the ensemble; empty if not asked for or not to be had
 * @param spread of the ensemble's members; empty without a reward
 * @param harmProbability by the serving cost model; empty if not asked for or not to be had
 * @param harmThreshold at and above which it is blocked; empty without a cost
 * @param policyVersion that answered
 * @param totalMillis from the mesh's arrival to its answer
 * @param degraded whether a peer could not answer
 */
public record Suggestion(
    String id,
    Fate fate,
    String reason,
    String text,
    OptionalDouble acceptProbability,
    OptionalDouble acceptThreshold,
    boolean gateWithholds,
    OptionalDouble stageTwoProbability,
    OptionalDouble reward,
    OptionalDouble spread,
    OptionalDouble harmProbability,
    OptionalDouble harmThreshold,
    String policyVersion,
    double totalMillis,
    boolean degraded) {

  /** What became of a suggestion. */
  public enum Fate {
    SHOWN,
    WITHHELD,
    BLOCKED
  }
}
