package io.ballast.policy.core.suggest;

import io.ballast.inference.api.StopReason;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.policy.core.PhaseTimes;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A suggestion, or why there is none, and everything needed to explain and replay it.
 *
 * @param suggestionId a UUID of version 7
 * @param ruling what to do and why
 * @param text the text to insert; empty unless the decision is SHOW
 * @param propensity the probability of this decision in this situation, above 0 and at most 1
 * @param stageOne what stage 1 said; absent if it did not answer
 * @param stageTwo what stage 2 said; absent if it did not answer
 * @param policyVersion the version that generated, or would have
 * @param reward absent unless asked for and generated
 * @param cost absent unless asked for and generated
 * @param stopReason why the completion ended; absent if nothing was generated
 * @param seed the seed that was used
 * @param generatedTokens over all candidates
 * @param degradations who could not do what is theirs: peers, the database
 * @param times where the time went
 */
public record SuggestAnswer(
    UUID suggestionId,
    Ruling ruling,
    String text,
    double propensity,
    @Nullable GateStage stageOne,
    @Nullable GateStage stageTwo,
    PinnedVersion policyVersion,
    @Nullable RewardOutcome reward,
    @Nullable CostOutcome cost,
    @Nullable StopReason stopReason,
    long seed,
    int generatedTokens,
    List<Degradation> degradations,
    PhaseTimes times) {
  public SuggestAnswer {
    degradations = List.copyOf(degradations);
  }

  /** The stage that the decision rests on: the last that answered. */
  public @Nullable GateStage decidingStage() {
    return stageTwo != null ? stageTwo : stageOne;
  }

  /** The same answer with another text. */
  public SuggestAnswer withText(String newText) {
    return copy(newText, degradations, times);
  }

  /** The same answer with {@code degradation} more. */
  SuggestAnswer degraded(Degradation degradation) {
    List<Degradation> all = new ArrayList<>(degradations);
    all.add(degradation);
    return copy(text, all, times);
  }

  /** The same answer with other times. */
  public SuggestAnswer withTimes(PhaseTimes newTimes) {
    return copy(text, degradations, newTimes);
  }

  private SuggestAnswer copy(
      String newText, List<Degradation> newDegradations, PhaseTimes newTimes) {
    return new SuggestAnswer(
        suggestionId,
        ruling,
        newText,
        propensity,
        stageOne,
        stageTwo,
        policyVersion,
        reward,
        cost,
        stopReason,
        seed,
        generatedTokens,
        newDegradations,
        newTimes);
  }
}
