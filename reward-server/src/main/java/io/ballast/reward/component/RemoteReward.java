package io.ballast.reward.component;

import io.ballast.reward.core.ComponentOutcome;
import java.util.List;

/** A reward that another process gives. Thread-safe. */
public interface RemoteReward extends AutoCloseable {
  /**
   * Asks for the rewards of {@code questions}, within the caller's time.
   *
   * @return one for each, in their order: a finite value, or why there is none
   */
  List<ComponentOutcome> ask(List<Question> questions, RemoteComponent component, Judging judging);

  @Override
  void close();

  /** One item, as it goes out. */
  record Question(Candidate candidate, String prompt, String completion) {}
}
