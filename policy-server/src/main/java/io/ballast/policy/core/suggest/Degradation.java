package io.ballast.policy.core.suggest;

import io.ballast.kit.call.ItemFault;
import org.jspecify.annotations.Nullable;

/**
 * A peer that could not answer, or not with what the suggestion needed, or the database, which
 * could not record.
 *
 * @param peer its role, or {@code database}
 * @param part why a part is missing of an answer that came; absent if none came that can be used
 * @param message why, for a person
 */
public record Degradation(String peer, ItemFault.@Nullable Reason part, String message) {
  public static final String REWARD_SERVER = "reward-server";
  public static final String SAFETY_SERVER = "safety-server";

  /** Without any answer that can be used. */
  public Degradation(String peer, String message) {
    this(peer, null, message);
  }

  /** The degradation that {@code e} tells of. */
  static Degradation of(PeerUnavailableException e) {
    return new Degradation(e.peer(), String.valueOf(e.getMessage()));
  }

  /**
   * The degradation by an answer that lacks something.
   *
   * @param what is missing, such as {@code cost}
   */
  static Degradation lacking(String peer, String what, ItemFault fault) {
    return new Degradation(
        peer, fault.reason(), "no %s: %s: %s".formatted(what, fault.reason(), fault.message()));
  }
}
