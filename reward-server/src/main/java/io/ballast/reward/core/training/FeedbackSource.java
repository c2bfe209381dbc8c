package io.ballast.reward.core.training;

import io.ballast.training.data.JudgementData;
import io.ballast.training.feedback.FeedbackRules;
import java.time.Instant;
import java.util.Optional;
import java.util.function.LongConsumer;

/** Where the mesh keeps what people did with its suggestions. */
public interface FeedbackSource {
  /**
   * Which feedback, and how it becomes judgements.
   *
   * @param tenant whose; empty: the default one's
   * @param since only what arrived then or later; empty: all
   */
  record Query(String tenant, Optional<Instant> since, FeedbackRules rules) {}

  /**
   * Reads feedback to its end; memory does not grow with the log.
   *
   * @param progress told now and then how many events have been read
   * @throws io.ballast.kit.error.MeshException if it cannot be read to its end
   */
  JudgementData read(Query query, LongConsumer progress);
}
