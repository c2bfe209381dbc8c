package io.ballast.policy.core.outage;

/** Where events are kept that were acknowledged unseen, and turned out to be no feedback. */
@FunctionalInterface
public interface RefusedFeedback {
  /** Keeps one, once for its id; returns once it is durable. */
  void keep(Spooled.Feedback event, String why);
}
