package io.ballast.policy.core.suggest;

import io.ballast.inference.api.Generation;
import io.ballast.kit.call.ItemFault;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The candidate that is considered, with its reward and cost.
 *
 * @param chosen the candidate with the highest reward; the first where no reward is known
 * @param reward absent unless asked for
 * @param cost absent unless asked for
 * @param degradations peers that could not answer, and what is missing of answers that came: the
 *     cost of the candidate, and the reward of any, for the choice is made by all
 */
public record Judgement(
    Generation chosen,
    @Nullable RewardOutcome reward,
    @Nullable CostOutcome cost,
    List<Degradation> degradations) {

  /**
   * Asks for rewards and costs side by side, only for what has text, and chooses.
   *
   * @param prompt the text that the peers see before each completion
   * @param candidates at least one
   */
  static Judgement of(
      SuggestCommand command,
      String prompt,
      List<Generation> candidates,
      RewardOracle rewards,
      CostOracle costs) {
    List<Generation> judged = candidates.stream().filter(c -> !c.text().isEmpty()).toList();
    if (judged.isEmpty()) {
      return new Judgement(candidates.getFirst(), null, null, List.of());
    }
    List<String> texts = judged.stream().map(Generation::text).toList();
    CompletableFuture<List<RewardOutcome>> scoring =
        command.needsReward()
            ? rewards.score(command.caller(), prompt, texts)
            : CompletableFuture.completedFuture(List.of());
    CompletableFuture<List<CostOutcome>> judging =
        command.withCost()
            ? costs.judge(command.caller(), prompt, texts)
            : CompletableFuture.completedFuture(List.of());
    List<Degradation> degradations = new ArrayList<>();
    List<RewardOutcome> scored =
        await(
            scoring,
            judged.size(),
            RewardOutcome.Missing::new,
            Judgement::lackingRewards,
            degradations);
    int best = indexOfBest(scored);
    List<CostOutcome> costed =
        await(
            judging,
            judged.size(),
            CostOutcome.Missing::new,
            answered -> lackingCost(answered, best),
            degradations);
    return new Judgement(
        judged.get(best),
        scored.isEmpty() ? null : scored.get(best),
        costed.isEmpty() ? null : costed.get(best),
        List.copyOf(degradations));
  }

  /** Returns the index of the highest reward, the first of equals; 0 where there is none. */
  private static int indexOfBest(List<RewardOutcome> rewards) {
    int best = 0;
    double highest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < rewards.size(); i++) {
      if (rewards.get(i) instanceof RewardOutcome.Scored scored && scored.value() > highest) {
        best = i;
        highest = scored.value();
      }
    }
    return best;
  }

  /** What an answer lacks of the rewards that the candidates are chosen by. */
  private static Optional<Degradation> lackingRewards(List<RewardOutcome> rewards) {
    List<ItemFault> faults = new ArrayList<>();
    for (RewardOutcome reward : rewards) {
      if (reward instanceof RewardOutcome.Missing missing) {
        faults.add(missing.fault());
      }
    }
    if (faults.isEmpty()) {
      return Optional.empty();
    }
    String what =
        rewards.size() == 1
            ? "reward"
            : "reward of %d of %d candidates".formatted(faults.size(), rewards.size());
    return Optional.of(Degradation.lacking(Degradation.REWARD_SERVER, what, faults.getFirst()));
  }

  /** That an answer lacks the cost of the candidate at {@code best}; that of no other is needed. */
  private static Optional<Degradation> lackingCost(List<CostOutcome> costs, int best) {
    return !costs.isEmpty() && costs.get(best) instanceof CostOutcome.Missing missing
        ? Optional.of(Degradation.lacking(Degradation.SAFETY_SERVER, "cost", missing.fault()))
        : Optional.empty();
  }

  /**
   * Waits for a peer.
   *
   * @param missing makes an outcome for each candidate where no answer comes
   * @param lacking looks for what an answer that came lacks
   * @param degradations takes either
   */
  private static <T> List<T> await(
      CompletableFuture<List<T>> answer,
      int count,
      Function<ItemFault, T> missing,
      Function<List<T>, Optional<Degradation>> lacking,
      List<Degradation> degradations) {
    try {
      List<T> outcomes = answer.get();
      lacking.apply(outcomes).ifPresent(degradations::add);
      return outcomes;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while judging");
    } catch (ExecutionException e) {
      if (!(e.getCause() instanceof PeerUnavailableException down)) {
        throw new CompletionException(e.getCause());
      }
      degradations.add(Degradation.of(down));
      ItemFault fault =
          new ItemFault(ItemFault.Reason.MODEL_ERROR, down.peer() + ": " + down.getMessage());
      return Collections.nCopies(count, missing.apply(fault));
    }
  }
}
