package io.ballast.policy.core.history;

import java.util.List;

/** Where it is kept what users were shown. */
@FunctionalInterface
public interface HistoryStore {
  /** Returns what {@code user} of {@code tenant} was shown last, the latest first. */
  List<ShownSuggestion> latest(String tenant, String user, int limit);
}
