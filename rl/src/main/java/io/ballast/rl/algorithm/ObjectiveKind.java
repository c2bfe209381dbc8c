package io.ballast.rl.algorithm;

import io.ballast.rl.objective.Aggregation;
import io.ballast.rl.objective.Anchor;
import io.ballast.rl.objective.ClipRange;
import io.ballast.rl.objective.ClippedSurrogate;
import io.ballast.rl.objective.ClippedWeightGradient;
import io.ballast.rl.objective.Objective;
import io.ballast.rl.objective.PairwisePreference;
import io.ballast.rl.objective.PolicyGradient;
import io.ballast.rl.objective.SequenceClippedSurrogate;
import io.ballast.rl.objective.TruncatedImportance;
import io.ballast.rl.objective.UnpairedPreference;
import io.ballast.rl.objective.WeightedLikelihood;
import java.util.Map;
import java.util.Set;

/** Losses by name. */
public enum ObjectiveKind implements Part {
  /** −Σ Â·logp. */
  POLICY_GRADIENT(
      Traits.ON_POLICY,
      Facts.of("−Âₜ·log π(aₜ)", "Williams 1992, REINFORCE", Set.of(Need.ADVANTAGES), Set.of())
          .knobs(Map.of(Knob.IMPORTANCE_CAP, 0.0))),
  /** PPO's clipped surrogate with a ratio for each token. */
  PPO_CLIP(
      Traits.RATIO,
      Facts.of(
              "max(−Âₜρₜ, −Âₜ·clip(ρₜ, 1 − ε_low, 1 + ε_high))",
              "Schulman et al. 2017, PPO, arXiv:1707.06347 eq. 7",
              Set.of(Need.ADVANTAGES),
              Set.of())
          .knobs(
              Map.of(
                  Knob.CLIP_LOW, 0.2,
                  Knob.CLIP_HIGH, 0.2,
                  Knob.DUAL_CLIP, 0.0,
                  Knob.IMPORTANCE_CAP, 0.0))),
  /** GSPO: the clipped surrogate with one ratio for each completion. */
  GSPO(
      Traits.SEQUENCE_RATIO,
      Facts.of(
              "max(−Âs, −Â·clip(s, 1 − ε_low, 1 + ε_high)), s = exp(mean(log ρₜ))",
              "Zheng et al. 2025, GSPO, arXiv:2507.18071",
              Set.of(Need.ONE_ADVANTAGE),
              Set.of())
          .knobs(Map.of(Knob.CLIP_LOW, 3e-4, Knob.CLIP_HIGH, 4e-4, Knob.IMPORTANCE_CAP, 0.0))),
  /** CISPO: a clipped weight, which is a constant, so that no token is dropped. */
  CISPO(
      Traits.RATIO,
      Facts.of(
              "−sg(min(ρₜ, 1 + ε_high))·Âₜ·log π(aₜ)",
              "MiniMax 2025, CISPO, arXiv:2506.13585 §3.1",
              Set.of(Need.ADVANTAGES),
              Set.of())
          .knobs(Map.of(Knob.CLIP_HIGH, 0.28, Knob.IMPORTANCE_CAP, 0.0))),
  /** DPO on the preferred and the other completion of each group. */
  DPO(
      Traits.PREFERENCE,
      Facts.of(
              "−log σ(βh), h = lr(y_w) − lr(y_l)",
              "Rafailov et al. 2023, DPO, arXiv:2305.18290 eq. 7",
              Set.of(Need.PAIRS),
              Set.of())
          .knobs(Map.of(Knob.BETA, 0.1))),
  /** DPO with labels of which a share is wrong, conservatively. */
  CDPO(
      Traits.PREFERENCE,
      Facts.of(
              "−(1 − ε)·log σ(βh) − ε·log σ(−βh)",
              "Mitchell 2023, cDPO",
              Set.of(Need.PAIRS),
              Set.of())
          .knobs(Map.of(Knob.BETA, 0.1, Knob.FLIP_RATE, 0.1))),
  /** DPO with labels of which a known share is wrong, without bias. */
  RDPO(
      Traits.PREFERENCE,
      Facts.of(
              "(−(1 − ε)·log σ(βh) + ε·log σ(−βh))/(1 − 2ε)",
              "Chowdhury et al. 2024, rDPO, arXiv:2403.00409",
              Set.of(Need.PAIRS),
              Set.of())
          .knobs(Map.of(Knob.BETA, 0.1, Knob.FLIP_RATE, 0.1))),
  /** IPO: a margin as a target. */
  IPO(
      Traits.PREFERENCE,
      Facts.of(
              "(h − 1/(2β))²",
              "Azar et al. 2023, IPO, arXiv:2310.12036",
              Set.of(Need.PAIRS),
              Set.of())
          .knobs(Map.of(Knob.BETA, 0.1))),
  /** SLiC-HF: a hinge, and the likelihood of the chosen; no reference. */
  SLIC(
      Traits.PREFERENCE,
      Facts.of(
              "max(0, δ − log π(y_w) + log π(y_l)) − λ·log π(y_w)",
              "Zhao et al. 2023, SLiC-HF, arXiv:2305.10425",
              Set.of(Need.PAIRS),
              Set.of())
          .knobs(Map.of(Knob.TARGET_MARGIN, 1.0, Knob.LIKELIHOOD, 0.1))),
  /** SimPO: log-probabilities averaged over tokens; no reference. */
  SIMPO(
      Traits.PREFERENCE,
      Facts.of(
              "−log σ(β(mean log π(y_w) − mean log π(y_l)) − γ)",
              "Meng et al. 2024, SimPO, arXiv:2405.14734",
              Set.of(Need.PAIRS),
              Set.of())
          .knobs(Map.of(Knob.BETA, 2.5, Knob.TARGET_MARGIN, 1.375))),
  /** ORPO: the likelihood of the chosen, and the ratio of odds; no reference. */
  ORPO(
      Traits.PREFERENCE,
      Facts.of(
              "−mean log π(y_w) − λ·log σ(log-odds(y_w) − log-odds(y_l))",
              "Hong et al. 2024, ORPO, arXiv:2403.07691",
              Set.of(Need.PAIRS),
              Set.of())
          .knobs(Map.of(Knob.ODDS, 0.1))),
  /** XPO: DPO, and off what the reference writes. */
  XPO(
      Traits.PREFERENCE,
      Facts.of(
              "−log σ(βh) + α·log π(y_ref)",
              "Xie et al. 2024, XPO, arXiv:2405.21046",
              Set.of(Need.PAIRS, Need.REFERENCE_COMPLETIONS),
              Set.of())
          .knobs(Map.of(Knob.BETA, 0.1, Knob.OPTIMISM, 1e-5))),
  /** KTO: completions that are good or bad by themselves. */
  KTO(
      Traits.PREFERENCE,
      Facts.of(
              "λ_D·(1 − σ(β(lr − z))) where good, λ_U·(1 − σ(β(z − lr))) where bad",
              "Ethayarajh et al. 2024, KTO, arXiv:2402.01306",
              Set.of(Need.RATINGS),
              Set.of())
          .knobs(Map.of(Knob.BETA, 0.1, Knob.DESIRABLE_WEIGHT, 1.0, Knob.UNDESIRABLE_WEIGHT, 1.0))),
  /** −Σ logp. */
  CROSS_ENTROPY(
      Traits.LIKELIHOOD, Facts.of("−log π(aₜ)", "maximum likelihood", Set.of(), Set.of()));

  /** What else is to be known of a loss. */
  private enum Traits {
    /** Right on the policy that sampled only. */
    ON_POLICY,
    /** A ratio for each token. */
    RATIO,
    /** A ratio for each completion. */
    SEQUENCE_RATIO,
    /** Of pairs or of rated completions. */
    PREFERENCE,
    /** Of tokens that are given. */
    LIKELIHOOD
  }

  private final Traits traits;
  private final Facts facts;

  ObjectiveKind(Traits traits, Facts facts) {
    this.traits = traits;
    this.facts = facts;
  }

  @Override
  public Stage stage() {
    return Stage.OBJECTIVE;
  }

  @Override
  public Facts facts() {
    return facts;
  }

  /** Whether the policy that sampled is the only one that it is right for: one update. */
  public boolean onPolicy() {
    return traits == Traits.ON_POLICY;
  }

  /** Whether it has a ratio between two policies, both at temperature 1. */
  public boolean hasRatio() {
    return traits == Traits.RATIO || traits == Traits.SEQUENCE_RATIO;
  }

  /** Whether the aggregation of tokens is a choice: it is none of losses of whole completions. */
  public boolean aggregates() {
    return traits == Traits.ON_POLICY || traits == Traits.RATIO || traits == Traits.LIKELIHOOD;
  }

  /** Whether it compares with the reference itself. */
  public boolean preference() {
    return traits == Traits.PREFERENCE;
  }

  /**
   * Returns the loss.
   *
   * @param knobs all of this part's
   */
  public Objective objective(Knobs knobs, Aggregation aggregation) {
    return switch (this) {
      case POLICY_GRADIENT -> weighed(knobs, new PolicyGradient(aggregation));
      case PPO_CLIP -> weighed(knobs, new ClippedSurrogate(clip(knobs), aggregation));
      case GSPO -> weighed(knobs, new SequenceClippedSurrogate(range(knobs)));
      case CISPO ->
          weighed(
              knobs,
              new ClippedWeightGradient(ClipRange.of(1, knobs.get(Knob.CLIP_HIGH)), aggregation));
      case DPO -> PairwisePreference.dpo(knobs.get(Knob.BETA));
      case CDPO ->
          PairwisePreference.conservativeDpo(knobs.get(Knob.BETA), knobs.get(Knob.FLIP_RATE));
      case RDPO -> PairwisePreference.robustDpo(knobs.get(Knob.BETA), knobs.get(Knob.FLIP_RATE));
      case IPO -> PairwisePreference.ipo(knobs.get(Knob.BETA));
      case SLIC ->
          PairwisePreference.slic(knobs.get(Knob.TARGET_MARGIN), knobs.get(Knob.LIKELIHOOD));
      case SIMPO -> PairwisePreference.simpo(knobs.get(Knob.BETA), knobs.get(Knob.TARGET_MARGIN));
      case ORPO -> PairwisePreference.orpo(knobs.get(Knob.ODDS));
      case XPO -> PairwisePreference.xpo(knobs.get(Knob.BETA), knobs.get(Knob.OPTIMISM));
      case KTO ->
          new UnpairedPreference(
              knobs.get(Knob.BETA),
              knobs.get(Knob.DESIRABLE_WEIGHT),
              knobs.get(Knob.UNDESIRABLE_WEIGHT),
              Anchor.reference());
      case CROSS_ENTROPY -> new WeightedLikelihood(aggregation);
    };
  }

  private static Objective weighed(Knobs knobs, Objective objective) {
    double cap = knobs.get(Knob.IMPORTANCE_CAP);
    return cap == 0 ? objective : new TruncatedImportance(cap, objective);
  }

  private static ClipRange range(Knobs knobs) {
    return ClipRange.of(knobs.get(Knob.CLIP_LOW), knobs.get(Knob.CLIP_HIGH));
  }

  private static ClipRange clip(Knobs knobs) {
    double dual = knobs.get(Knob.DUAL_CLIP);
    return dual == 0 ? range(knobs) : range(knobs).withDual(dual);
  }
}
