package io.ballast.reward.core;

import io.ballast.kit.call.Lane;
import java.util.List;

/** Runs the K members of one ensemble. Thread-safe. */
public interface MemberScorer extends AutoCloseable {
  /**
   * Scores every completion with every member; one that cannot be scored fails alone.
   *
   * @return shape [groups][completions of each]
   * @throws io.ballast.kit.error.MeshException if nothing can be scored now, whatever it is
   */
  List<List<CompletionScores>> score(List<PromptGroup> groups);

  /** These members for the work of one lane; the same where lanes make no difference. */
  default MemberScorer in(Lane lane) {
    return this;
  }

  @Override
  void close();
}
