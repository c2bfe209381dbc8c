package io.ballast.kit.runtime;

/** The servers of the mesh; a process plays one or several. */
public enum Role {
  POLICY_SERVER("policy-server"),
  REWARD_SERVER("reward-server"),
  SAFETY_SERVER("safety-server"),
  ORCHESTRATOR("orchestrator");

  private final String label;

  Role(String label) {
    this.label = label;
  }

  /** The role's name in configuration, logs and traces, such as {@code policy-server}. */
  public String label() {
    return label;
  }
}
