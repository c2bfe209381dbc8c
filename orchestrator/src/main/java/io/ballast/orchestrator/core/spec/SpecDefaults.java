package io.ballast.orchestrator.core.spec;

import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.learner.LearningRateSchedule;
import io.ballast.orchestrator.core.spec.ConstraintSpec.MultiplierKind;
import io.ballast.orchestrator.core.spec.ConstraintSpecReader.StalenessKind;
import io.ballast.rl.aggregation.AggregationMethod;
import io.ballast.rl.algorithm.AdvantageKind;
import io.ballast.rl.algorithm.ObjectiveKind;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.objective.LossAggregation;
import io.ballast.rl.regulariser.KlEstimator;
import java.util.List;

/** What holds where a spec says nothing; docs/run-spec.md gives the reasons. */
final class SpecDefaults {
  static final String POLICY_MODEL = "java-tiny";
  static final String ALIAS = VersionSelector.SERVING;
  static final int ITERATIONS = 20;
  static final long SEED = 0;
  static final AdvantageKind ADVANTAGE = AdvantageKind.GRPO;
  static final double LEARNING_RATE = 1.5e-4;
  static final LearningRateSchedule.Kind SCHEDULE = LearningRateSchedule.Kind.CONSTANT;
  static final double FINAL_FRACTION = 0.1;
  static final PromotionMode PROMOTION = PromotionMode.AUTOMATIC;
  static final List<String> STOP_STRINGS = List.of("\n");

  static final int PROMPTS_PER_ITERATION = 32;
  static final int COMPLETIONS_PER_PROMPT = 8;
  static final double ROLLOUT_TEMPERATURE = 1;
  static final int ROLLOUT_NEW_TOKENS = 12;
  static final int ROLLOUT_PROMPT_TOKENS = 64;
  static final int ROLLOUT_STALENESS = 0;
  static final String GROUP_STRATEGY = "MIN_VIABLE_GROUP";
  static final int MIN_GROUP = 4;
  static final int FEEDBACK_PROMPTS = 10_000;
  static final String PROMPT_COLUMN = "prompt";
  static final double SOURCE_WEIGHT = 1;
  static final long MAX_BAD_ROWS = 0;

  static final String REWARD_MODEL = "java-reward";
  static final String REWARD_VERSION = "1";
  static final AggregationMethod AGGREGATION = AggregationMethod.WORST_CASE;
  static final double UWO_LAMBDA = 0.5;
  static final double QUANTILE = 0.25;
  static final String COST_MODEL = "java-cost";
  static final String COST_VERSION = "1";

  static final ObjectiveKind OBJECTIVE = ObjectiveKind.PPO_CLIP;
  static final int MINIBATCHES = 1;
  static final String PTX_COLUMN = "text";
  static final int PTX_TEXTS = 8;
  static final int PTX_TOKENS = 128;
  static final LossAggregation LOSS_AGGREGATION = LossAggregation.SEQUENCE_MEAN_TOKEN_MEAN;
  static final double KL_COEFFICIENT = 0.1;
  static final KlEstimator KL_ESTIMATOR = KlEstimator.K3;
  static final double KL_STOP_AT = 0.3;
  static final int KL_EVERY = 5;
  static final double SPREAD_GROWTH = 3;

  static final double WATCH_SPREAD_GROWTH = 1.7;
  static final double WATCH_GAP = 0.5;
  static final int WATCH_PATIENCE = 3;
  static final WatchAction WATCH_ACTION = WatchAction.RECORD;
  static final AggregationMethod GOLD_AGGREGATION = AggregationMethod.MEAN;
  static final int GOLD_EVERY = 1;
  static final int GOLD_COMPLETIONS = 128;

  static final int EVALUATION_EVERY = 5;
  static final int EVALUATION_COMPLETIONS = 4;
  static final double EVALUATION_CONFIDENCE = 0.95;
  static final int EARLY_STOP_PATIENCE = 3;
  static final double EARLY_STOP_IMPROVEMENT = 0;
  static final CandidateChoice CANDIDATE = CandidateChoice.LAST;

  static final boolean CONSTRAINT_ENABLED = true;
  static final ConstraintMethod METHOD = ConstraintMethod.HC_RLHF;
  static final double PENALTY = 1;
  static final MultiplierKind MULTIPLIER = MultiplierKind.LOG;
  static final double LAMBDA_INIT = 1;
  static final double LAMBDA_STEP = 0.1;
  static final double LAMBDA_MIN = 0.01;
  static final double LAMBDA_MAX = 5;
  static final int LAGRANGIAN_BUFFER = 128;
  static final StalenessKind STALENESS = StalenessKind.KEEP;
  static final int STALE_VERSIONS = 0;
  static final double HALF_LIFE = 1;
  static final double C1 = 1;
  static final double C2 = 1;
  static final double STD_FLOOR = 0.05;

  static final String TEST_COST_MODEL = "java-cost";
  static final String TEST_COST_VERSION = "2";
  static final boolean SAME_COST_MODEL = false;
  static final double DELTA = 0.1;
  static final BoundMethod BOUND = BoundMethod.STUDENT_T;
  static final ReuseKind REUSE = ReuseKind.REFUSE;
  static final double TEST_TEMPERATURE = 1;
  static final int TEST_NEW_TOKENS = 24;
  static final int TEST_PROMPT_TOKENS = 96;

  private SpecDefaults() {}
}
