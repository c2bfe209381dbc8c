package io.ballast.reward.core;

import java.util.List;

/** Runs the K members of one ensemble. Thread-safe. */
public interface MemberScorer extends AutoCloseable {
  /**
   * Scores every completion with every member; one that cannot be scored fails alone.
   *
   * @return shape [groups][completions of each]
   */
  List<List<CompletionScores>> score(List<PromptGroup> groups);

  @Override
  void close();
}
