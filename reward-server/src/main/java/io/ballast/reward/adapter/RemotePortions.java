package io.ballast.reward.adapter;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.reward.component.RemoteReward.Question;
import io.ballast.reward.core.ComponentOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** Asks a remote reward portion by portion, as long as somebody waits for all of them. */
final class RemotePortions {
  private RemotePortions() {}

  /**
   * Asks.
   *
   * @param peer its name in messages
   * @param most questions of one portion, ≥ 1
   * @param ask returns one outcome for each question of a portion
   * @return one for each question, in their order; those that nobody waits for any more are not
   *     asked and have failed as DEADLINE or CANCELLED
   */
  static List<ComponentOutcome> ask(
      String peer,
      List<Question> questions,
      int most,
      CallPatience patience,
      Function<List<Question>, List<ComponentOutcome>> ask) {
    List<ComponentOutcome> outcomes = new ArrayList<>();
    for (int first = 0; first < questions.size(); first += most) {
      List<Question> portion = questions.subList(first, Math.min(questions.size(), first + most));
      Optional<ItemFault> over = over(peer, patience);
      outcomes.addAll(over.isPresent() ? all(portion, over.get()) : ask.apply(portion));
    }
    return outcomes;
  }

  private static Optional<ItemFault> over(String peer, CallPatience patience) {
    if (patience.remaining().filter(Duration::isZero).isPresent()) {
      return Optional.of(
          new ItemFault(
              ItemFault.Reason.DEADLINE, peer + ": not asked, the time was over before its turn"));
    }
    return patience.cancelled()
        ? Optional.of(
            new ItemFault(ItemFault.Reason.CANCELLED, peer + ": not asked, nobody waits any more"))
        : Optional.empty();
  }

  /** What was too large, and what helps where it was of several questions. */
  static String smaller(String words, int questions) {
    return "%s (for %,d items at once: a smaller batch-items may help)".formatted(words, questions);
  }

  /** The same failure for each question. */
  static List<ComponentOutcome> all(List<Question> questions, ItemFault fault) {
    ComponentOutcome failed = new ComponentOutcome.Failed(fault);
    return questions.stream().map(each -> failed).toList();
  }
}
