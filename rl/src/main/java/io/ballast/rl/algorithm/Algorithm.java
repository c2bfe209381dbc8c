package io.ballast.rl.algorithm;

import io.ballast.rl.objective.Aggregation;
import io.ballast.rl.regulariser.KlEstimator;
import java.util.Set;
import java.util.function.IntFunction;

/**
 * Published algorithms as recipes: what a spec that names one begins with. Every part and number
 * can be set beside the name; then it is no longer the paper's.
 */
public enum Algorithm {
  /** Williams 1992. */
  REINFORCE(
      "Williams 1992; KL in the reward: Ziegler et al. 2019, arXiv:1909.08593",
      _ -> policyGradient(AdvantageKind.RUNNING_MEAN).withRewardKl(0.1)),
  /** Ahmadian et al. 2024. */
  RLOO(
      "Ahmadian et al. 2024, arXiv:2402.14740",
      _ -> policyGradient(AdvantageKind.RLOO).withRewardKl(0.03)),
  /** Shao et al. 2024. */
  GRPO(
      "Shao et al. 2024, arXiv:2402.03300",
      _ ->
          clipped(AdvantageKind.GRPO, Aggregation.sequenceMeanTokenMean())
              .withLoss(loss -> loss.withKl(0.04, KlEstimator.K3))),
  /** Liu et al. 2025. */
  DR_GRPO(
      "Liu et al. 2025, arXiv:2503.20783",
      tokens -> clipped(AdvantageKind.CENTRED, Aggregation.constantDivisor(tokens))),
  /** Yu et al. 2025. */
  DAPO(
      "Yu et al. 2025, arXiv:2503.14476",
      _ ->
          clipped(AdvantageKind.GRPO, Aggregation.tokenMean())
              .withLoss(loss -> loss.with(Knob.CLIP_HIGH, 0.28))
              .withSelector(SelectorKind.DYNAMIC_SAMPLING)
              .withShaping(Set.of(ShapingKind.OVERLONG_PENALTY))),
  /** Zheng et al. 2025. */
  GSPO(
      "Zheng et al. 2025, arXiv:2507.18071",
      _ -> Recipe.of(AdvantageKind.GRPO, LossSpec.of(ObjectiveKind.GSPO))),
  /** MiniMax 2025; its ε_high is tuned there, and ours is DAPO's. */
  CISPO(
      "MiniMax 2025, arXiv:2506.13585 §3.1",
      _ ->
          Recipe.of(
              AdvantageKind.GRPO,
              LossSpec.of(ObjectiveKind.CISPO).withAggregation(Aggregation.tokenMean()))),
  /** Li et al. 2023. */
  REMAX(
      "Li et al. 2023, arXiv:2310.10505",
      _ ->
          policyGradient(AdvantageKind.GREEDY)
              .withSource(SourceKind.POLICY_AND_GREEDY)
              .withRewardKl(0.1)),
  /** Hu 2025. */
  REINFORCE_PLUS_PLUS(
      "Hu 2025, arXiv:2501.03262",
      _ -> clipped(AdvantageKind.BATCH_WHITENED, Aggregation.tokenMean()).withRewardKl(0.01)),
  /** Schulman et al. 2017; Ouyang et al. 2022. */
  PPO(
      "Schulman et al. 2017, arXiv:1707.06347; Ouyang et al. 2022, arXiv:2203.02155",
      _ -> clipped(AdvantageKind.GAE, Aggregation.tokenMean()).withRewardKl(0.05)),
  /** Zheng et al. 2023. */
  PPO_MAX(
      "Zheng et al. 2023, arXiv:2307.04964 §5.3",
      _ ->
          clipped(AdvantageKind.GAE, Aggregation.tokenMean())
              .withRewardKl(0.05)
              .withShaping(Set.of(ShapingKind.HISTORY))
              .withKnobs(Knobs.none().with(Knob.WHITEN, 0).with(Knob.CRITIC_WARMUP, 5))),
  /** Rafailov et al. 2023, as it was published: on pairs that people have judged. */
  DPO(
      "Rafailov et al. 2023, arXiv:2305.18290",
      _ ->
          Recipe.of(AdvantageKind.NONE, LossSpec.of(ObjectiveKind.DPO))
              .withSource(SourceKind.DATA)
              .withSelector(SelectorKind.PAIRS_OF_DATA)),
  /** Guo et al. 2024, with the loss of Rafailov et al. 2023. */
  ONLINE_DPO(
      "Guo et al. 2024, arXiv:2402.04792; Rafailov et al. 2023, arXiv:2305.18290 eq. 7",
      _ -> paired(ObjectiveKind.DPO)),
  /** Mitchell 2023. */
  CDPO("Mitchell 2023, cDPO", _ -> paired(ObjectiveKind.CDPO)),
  /** Chowdhury et al. 2024. */
  RDPO("Chowdhury et al. 2024, arXiv:2403.00409", _ -> paired(ObjectiveKind.RDPO)),
  /** Azar et al. 2023. */
  IPO("Azar et al. 2023, arXiv:2310.12036", _ -> paired(ObjectiveKind.IPO)),
  /** Zhao et al. 2023. */
  SLIC_HF("Zhao et al. 2023, arXiv:2305.10425", _ -> paired(ObjectiveKind.SLIC)),
  /** Meng et al. 2024. */
  SIMPO("Meng et al. 2024, arXiv:2405.14734", _ -> paired(ObjectiveKind.SIMPO)),
  /** Hong et al. 2024. */
  ORPO("Hong et al. 2024, arXiv:2403.07691", _ -> paired(ObjectiveKind.ORPO)),
  /** Xie et al. 2024. */
  XPO(
      "Xie et al. 2024, arXiv:2405.21046",
      _ ->
          Recipe.of(AdvantageKind.NONE, LossSpec.of(ObjectiveKind.XPO))
              .withSource(SourceKind.POLICY_AND_REFERENCE)
              .withSelector(SelectorKind.AGAINST_REFERENCE)),
  /** Ethayarajh et al. 2024. */
  KTO(
      "Ethayarajh et al. 2024, arXiv:2402.01306",
      _ ->
          Recipe.of(AdvantageKind.NONE, LossSpec.of(ObjectiveKind.KTO))
              .withSelector(SelectorKind.ABOVE_AND_BELOW_MEAN));

  private final String paper;
  private final IntFunction<Recipe> recipe;

  Algorithm(String paper, IntFunction<Recipe> recipe) {
    this.paper = paper;
    this.recipe = recipe;
  }

  /** Where it was published. */
  public String paper() {
    return paper;
  }

  /**
   * Its recipe with the numbers of the paper, of TRL or of verl. Ours, for completions of a few
   * tokens, are the KL of REINFORCE, ReMax and PPO, over how many tokens DAPO's penalty grows, and
   * how long PPO-max trains its critic alone.
   *
   * @param responseTokens the most that a completion may have, ≥ 1
   */
  public Recipe recipe(int responseTokens) {
    return recipe.apply(responseTokens);
  }

  /** Of a whole completion: the sum over its tokens. */
  private static Recipe policyGradient(AdvantageKind advantage) {
    return Recipe.of(
        advantage,
        LossSpec.of(ObjectiveKind.POLICY_GRADIENT)
            .withAggregation(Aggregation.sequenceMeanTokenSum()));
  }

  private static Recipe clipped(AdvantageKind advantage, Aggregation aggregation) {
    return Recipe.of(advantage, LossSpec.of(ObjectiveKind.PPO_CLIP).withAggregation(aggregation));
  }

  private static Recipe paired(ObjectiveKind objective) {
    return Recipe.of(AdvantageKind.NONE, LossSpec.of(objective))
        .withSelector(SelectorKind.BEST_AND_WORST);
  }
}
