package io.ballast.safety.core.canary;

/** Which of two versions that serve an alias. */
public enum Arm {
  /** The one that the alias points to. */
  CONTROL,
  /** The canary. */
  CANARY
}
