package io.ballast.reward.core.training;

import org.jspecify.annotations.Nullable;

/** Why a training came to nothing; its message is one line for a person. */
public final class TrainingException extends Exception {
  private static final long serialVersionUID = 1;

  private final String reason;

  /**
   * @param reason for machines, such as {@code UNUSABLE_DATA}
   */
  public TrainingException(String reason, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  /** For machines. */
  public String reason() {
    return reason;
  }
}
