package io.ballast.safety.core.gate;

import java.util.Optional;

/**
 * How a stage is asked.
 *
 * @param tenant for whom
 * @param explorationSeed draws exploration; the same seed, the same decision
 * @param gate decides with this version, to replay a decision; empty: the one that serves
 * @param otherGate the other stage's version, with which a guarantee has to agree; empty: the one
 *     that serves
 * @param featureVersion what the caller expects the model to see; 0: anything
 * @param rule decides by this rule, to replay a decision; empty: by the tenant's
 */
public record GateCall(
    String tenant,
    long explorationSeed,
    Optional<Pin> gate,
    Optional<Pin> otherGate,
    int featureVersion,
    Optional<StageRule> rule) {
  /**
   * A gate version exactly.
   *
   * @param weightsSha256 of its trees; empty: any
   * @param folderSha256 of its folder, lines and calibration included; empty: any
   */
  public record Pin(GateChoice choice, String weightsSha256, String folderSha256) {}

  /** Of the versions that serve, for the tenant "default". */
  public static GateCall of(long explorationSeed) {
    return new GateCall(
        "default", explorationSeed, Optional.empty(), Optional.empty(), 0, Optional.empty());
  }
}
