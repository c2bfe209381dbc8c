package io.ballast.policy.core.suggest;

/** Where decided suggestions are kept. */
@FunctionalInterface
public interface SuggestionLog {
  /**
   * Keeps one suggestion; returns once it is durable.
   *
   * @return the suggestion as it was kept: with a degradation more if that is not as it should be
   */
  DecidedSuggestion record(DecidedSuggestion suggestion);
}
