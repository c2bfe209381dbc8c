package io.ballast.loadtest.run;

import io.ballast.loadtest.call.Credentials;
import io.ballast.loadtest.call.TargetAddress;

/**
 * Where the mesh is, and who calls it.
 *
 * @param policy the server that suggests and takes feedback
 * @param reward the server that scores; in one process the same
 * @param credentials what calls show
 * @param run a name that no other load has
 */
public record MeshPlace(
    TargetAddress policy, TargetAddress reward, Credentials credentials, String run) {
  /** The same for a load that is a part of a greater undertaking. */
  public MeshPlace named(String part) {
    return new MeshPlace(policy, reward, credentials, run + "-" + part);
  }

  /** The addresses, for people. */
  String words() {
    return policy.equals(reward) ? policy.toString() : policy + ", scores of " + reward;
  }
}
