package io.ballast.policy.core.suggest;

/** Where decided suggestions are kept. */
@FunctionalInterface
public interface SuggestionLog {
  /** Keeps one suggestion; returns once it is durable. */
  void record(DecidedSuggestion suggestion);
}
