package io.ballast.orchestrator.grpc;

import io.ballast.kit.grpc.MeshMessages;
import io.ballast.learner.v1.AdapterConfig;
import io.ballast.learner.v1.AdapterProjection;
import io.ballast.learner.v1.CreateSessionRequest;
import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.ForwardWeights;
import io.ballast.learner.v1.NamedObjective;
import io.ballast.learner.v1.OptimizerConfig;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.learner.v1.SaveWeightsRequest;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.AdapterSettings;
import io.ballast.orchestrator.core.learner.AdapterSettings.Projection;
import io.ballast.orchestrator.core.learner.LossRequest;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.SampleCommand;
import io.ballast.orchestrator.core.learner.SampleCommand.Prompt;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.orchestrator.core.learner.TrainingCompletion;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.rl.algorithm.Knob;
import io.ballast.rl.algorithm.Knobs;
import io.ballast.rl.algorithm.LossSpec;
import io.ballast.rl.algorithm.ObjectiveKind;
import io.ballast.rl.objective.Aggregation;
import io.ballast.rl.objective.LossAggregation;
import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.sample.Numbers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;

/** Reads the learner's requests; what is wrong with one is named with its path. */
final class LearnerMapper {
  private static final int DEFAULT_NEW_TOKENS = 24;

  /** Those that never took fields that they do not read. */
  private static final Set<ObjectiveKind> STRICT =
      EnumSet.of(
          ObjectiveKind.CISPO,
          ObjectiveKind.SLIC,
          ObjectiveKind.SIMPO,
          ObjectiveKind.ORPO,
          ObjectiveKind.XPO);

  private final LongSupplier seeds;

  /**
   * @param seeds draws the seed of a call that brings none
   */
  LearnerMapper(LongSupplier seeds) {
    this.seeds = seeds;
  }

  static OptimizerSettings optimizer(OptimizerConfig config) {
    OptimizerSettings defaults = OptimizerSettings.ofRate(config.getLearningRate());
    return new OptimizerSettings(
        config.getLearningRate(),
        config.hasBeta1() ? config.getBeta1() : defaults.beta1(),
        config.hasBeta2() ? config.getBeta2() : defaults.beta2(),
        config.hasEpsilon() ? config.getEpsilon() : defaults.epsilon(),
        config.hasWeightDecay() ? config.getWeightDecay() : defaults.weightDecay(),
        config.hasMaxGradientNorm() ? config.getMaxGradientNorm() : defaults.maxGradientNorm());
  }

  static TraineeOptions options(CreateSessionRequest request) {
    TraineeOptions options = TraineeOptions.of(optimizer(request.getOptimizer()));
    if (request.hasAverageDecay()) {
      options = options.withAverage(request.getAverageDecay());
    }
    return request.hasAdapters() ? options.withAdapters(adapters(request.getAdapters())) : options;
  }

  private static AdapterSettings adapters(AdapterConfig config) {
    Set<Projection> projections = EnumSet.noneOf(Projection.class);
    for (int i = 0; i < config.getProjectionsCount(); i++) {
      String field = "adapters.projections[" + i + "]";
      Projection projection = projection(config.getProjections(i), field);
      if (!projections.add(projection)) {
        throw Faults.malformed(field, projection + " (expected: each once)");
      }
    }
    return new AdapterSettings(
        config.getRank(),
        config.hasAlpha() ? config.getAlpha() : config.getRank(),
        projections.isEmpty() ? EnumSet.allOf(Projection.class) : projections,
        config.getSeed());
  }

  private static Projection projection(AdapterProjection projection, String field) {
    return switch (projection) {
      case ADAPTER_PROJECTION_Q_PROJ -> Projection.Q_PROJ;
      case ADAPTER_PROJECTION_K_PROJ -> Projection.K_PROJ;
      case ADAPTER_PROJECTION_V_PROJ -> Projection.V_PROJ;
      case ADAPTER_PROJECTION_O_PROJ -> Projection.O_PROJ;
      case ADAPTER_PROJECTION_GATE_PROJ -> Projection.GATE_PROJ;
      case ADAPTER_PROJECTION_UP_PROJ -> Projection.UP_PROJ;
      case ADAPTER_PROJECTION_DOWN_PROJ -> Projection.DOWN_PROJ;
      case ADAPTER_PROJECTION_UNSPECIFIED, UNRECOGNIZED ->
          throw Faults.malformed(field, "not set (expected: an AdapterProjection)");
    };
  }

  static WhichWeights weights(ForwardWeights weights) {
    return switch (weights) {
      case FORWARD_WEIGHTS_UNSPECIFIED, FORWARD_WEIGHTS_CURRENT -> WhichWeights.CURRENT;
      case FORWARD_WEIGHTS_REFERENCE -> WhichWeights.REFERENCE;
      case FORWARD_WEIGHTS_AVERAGE -> WhichWeights.AVERAGE;
      case UNRECOGNIZED ->
          throw Faults.malformed("weights", "unknown (expected: a ForwardWeights)");
    };
  }

  /** Refuses to keep the average alone, from which no training could go on. */
  static void requireWhole(SaveWeightsRequest request) {
    if (request.getAverage()) {
      throw Faults.malformed(
          "average", "beside checkpoint (expected: none, a checkpoint has both)");
    }
    if (request.getRegister()) {
      throw Faults.malformed(
          "register", "beside checkpoint (expected: none, a checkpoint is no version)");
    }
  }

  static List<io.ballast.orchestrator.core.learner.TrainingGroup> groups(
      List<TrainingGroup> groups) {
    List<io.ballast.orchestrator.core.learner.TrainingGroup> all = new ArrayList<>();
    for (int i = 0; i < groups.size(); i++) {
      TrainingGroup group = groups.get(i);
      List<TrainingCompletion> completions = new ArrayList<>();
      for (int g = 0; g < group.getCompletionsCount(); g++) {
        completions.add(
            completion("groups[%d].completions[%d]".formatted(i, g), group.getCompletions(g)));
      }
      all.add(
          new io.ballast.orchestrator.core.learner.TrainingGroup(
              CallMapper.tokens(group.getPromptTokens()), completions));
    }
    return all;
  }

  private static TrainingCompletion completion(
      String path, io.ballast.learner.v1.TrainingCompletion completion) {
    return new TrainingCompletion(
        CallMapper.tokens(completion.getTokens()),
        CallMapper.numbers(path + ".advantages", completion.getAdvantagesList()),
        CallMapper.numbers(path + ".behaviour_log_probs", completion.getBehaviourLogProbsList()),
        CallMapper.numbers(path + ".reference_log_probs", completion.getReferenceLogProbsList()),
        CallMapper.numbers(path + ".log_prob_gradients", completion.getLogProbGradientsList()),
        CallMapper.numbers(path + ".entropy_gradients", completion.getEntropyGradientsList()),
        completion.getPreferred(),
        completion.hasPreferenceBaseline()
            ? CallMapper.numbers(
                path + ".preference_baseline", List.of(completion.getPreferenceBaseline()))
            : Numbers.of(),
        CallMapper.numbers(path + ".served_log_probs", completion.getServedLogProbsList()),
        CallMapper.numbers(path + ".loss_mask", completion.getLossMaskList()),
        completion.getFromReference());
  }

  static LossRequest loss(ForwardBackwardRequest request) {
    return switch (request.getLossCase()) {
      case OBJECTIVE -> new LossRequest.Named(objective(request.getObjective()));
      case CALLER_GRADIENTS -> new LossRequest.CallerGradients();
      case LOSS_NOT_SET ->
          throw Faults.malformed("loss", "not set (expected: objective or caller_gradients)");
    };
  }

  private static void requireAbsent(boolean there, String field, ObjectiveKind kind) {
    if (there) {
      throw Faults.malformed("objective." + field, "beside %s (expected: absent)".formatted(kind));
    }
  }

  private static LossSpec objective(NamedObjective o) {
    ObjectiveKind kind = kind(o);
    LossSpec defaults = LossSpec.of(kind);
    Knobs knobs = Knobs.none();
    try {
      Set<Knob> read = kind.facts().knobs().values().keySet();
      if (STRICT.contains(kind)) {
        requireAbsent(o.hasBeta() && !read.contains(Knob.BETA), "beta", kind);
        requireAbsent(o.hasClipLow() && !read.contains(Knob.CLIP_LOW), "clip_low", kind);
        requireAbsent(o.hasClipHigh() && !read.contains(Knob.CLIP_HIGH), "clip_high", kind);
      }
      if (o.hasClipLow() && read.contains(Knob.CLIP_LOW)) {
        knobs = knobs.with(Knob.CLIP_LOW, o.getClipLow()).with(Knob.CLIP_HIGH, o.getClipLow());
      }
      if (o.hasClipHigh() && read.contains(Knob.CLIP_HIGH)) {
        knobs = knobs.with(Knob.CLIP_HIGH, o.getClipHigh());
      }
      if (o.hasBeta() && read.contains(Knob.BETA)) {
        knobs = knobs.with(Knob.BETA, o.getBeta());
      }
      for (var entry : o.getKnobsMap().entrySet()) {
        knobs = with(knobs, entry.getKey(), entry.getValue());
      }
      return new LossSpec(
          kind,
          knobs,
          aggregation(o),
          o.getKlCoefficient(),
          estimator(o),
          o.getEntropyCoefficient());
    } catch (IllegalArgumentException e) {
      String[] flaw = String.valueOf(e.getMessage()).split(": ", 2);
      throw Faults.malformed("objective." + flaw[0], flaw[flaw.length - 1]);
    }
  }

  private static Knobs with(Knobs knobs, String key, double value) {
    String field = "objective.knobs." + key;
    Knob knob =
        Arrays.stream(Knob.values())
            .filter(each -> each.key().equals(key))
            .findFirst()
            .orElseThrow(() -> Faults.malformed(field, "unknown (expected: a knob of the kind's)"));
    if (knobs.values().containsKey(knob)) {
      throw Faults.malformed(field, "beside objective.%s (expected: one of them)".formatted(key));
    }
    return knobs.with(knob, value);
  }

  private static ObjectiveKind kind(NamedObjective objective) {
    return switch (objective.getKind()) {
      case OBJECTIVE_KIND_POLICY_GRADIENT -> ObjectiveKind.POLICY_GRADIENT;
      case OBJECTIVE_KIND_PPO_CLIP -> ObjectiveKind.PPO_CLIP;
      case OBJECTIVE_KIND_GSPO -> ObjectiveKind.GSPO;
      case OBJECTIVE_KIND_DPO -> ObjectiveKind.DPO;
      case OBJECTIVE_KIND_CROSS_ENTROPY -> ObjectiveKind.CROSS_ENTROPY;
      case OBJECTIVE_KIND_CDPO -> ObjectiveKind.CDPO;
      case OBJECTIVE_KIND_RDPO -> ObjectiveKind.RDPO;
      case OBJECTIVE_KIND_IPO -> ObjectiveKind.IPO;
      case OBJECTIVE_KIND_KTO -> ObjectiveKind.KTO;
      case OBJECTIVE_KIND_CISPO -> ObjectiveKind.CISPO;
      case OBJECTIVE_KIND_SLIC -> ObjectiveKind.SLIC;
      case OBJECTIVE_KIND_SIMPO -> ObjectiveKind.SIMPO;
      case OBJECTIVE_KIND_ORPO -> ObjectiveKind.ORPO;
      case OBJECTIVE_KIND_XPO -> ObjectiveKind.XPO;
      case OBJECTIVE_KIND_UNSPECIFIED, UNRECOGNIZED ->
          throw Faults.malformed("objective.kind", "not set (expected: an ObjectiveKind)");
    };
  }

  private static Aggregation aggregation(NamedObjective objective) {
    LossAggregation mode = mode(objective);
    int tokens = objective.getDivisorTokens();
    if (mode != LossAggregation.CONSTANT_DIVISOR) {
      if (objective.hasDivisorTokens()) {
        throw Faults.malformed(
            "objective.divisor_tokens", "beside %s (expected: absent)".formatted(mode));
      }
      return new Aggregation(mode, 1);
    }
    if (tokens < 1) {
      throw Faults.malformed(
          "objective.divisor_tokens",
          (objective.hasDivisorTokens() ? Integer.toString(tokens) : "absent")
              + " (expected: ≥ 1 with CONSTANT_DIVISOR)");
    }
    return new Aggregation(mode, tokens);
  }

  private static LossAggregation mode(NamedObjective objective) {
    return switch (objective.getAggregation()) {
      case LOSS_AGGREGATION_TOKEN_MEAN -> LossAggregation.TOKEN_MEAN;
      case LOSS_AGGREGATION_UNSPECIFIED, LOSS_AGGREGATION_SEQUENCE_MEAN_TOKEN_MEAN ->
          LossAggregation.SEQUENCE_MEAN_TOKEN_MEAN;
      case LOSS_AGGREGATION_SEQUENCE_MEAN_TOKEN_SUM -> LossAggregation.SEQUENCE_MEAN_TOKEN_SUM;
      case LOSS_AGGREGATION_CONSTANT_DIVISOR -> LossAggregation.CONSTANT_DIVISOR;
      case LOSS_AGGREGATION_GROUP_MEAN_TOKEN_MEAN -> LossAggregation.GROUP_MEAN_TOKEN_MEAN;
      case UNRECOGNIZED ->
          throw Faults.malformed("objective.aggregation", "unknown (expected: a LossAggregation)");
    };
  }

  private static KlEstimator estimator(NamedObjective objective) {
    return switch (objective.getKlEstimator()) {
      case KL_ESTIMATOR_K1 ->
          throw Faults.malformed("objective.kl_estimator", "K1 (expected: one of K3, K2)");
      case KL_ESTIMATOR_K2 -> KlEstimator.K2;
      case KL_ESTIMATOR_UNSPECIFIED, KL_ESTIMATOR_K3 -> KlEstimator.K3;
      case UNRECOGNIZED ->
          throw Faults.malformed("objective.kl_estimator", "unknown (expected: a KlEstimator)");
    };
  }

  SampleCommand sample(SampleFromSessionRequest request) {
    return new SampleCommand(
        request.getPromptsList().stream().map(LearnerMapper::prompt).toList(),
        request.hasCompletionsCount() ? request.getCompletionsCount() : 1,
        sampling(request.getSampling()),
        request.getMaxPromptTokens());
  }

  private static Prompt prompt(TextOrTokens prompt) {
    return switch (prompt.getContentCase()) {
      case TEXT -> new Prompt.Text(prompt.getText());
      case TOKENS -> new Prompt.Tokens(CallMapper.tokens(prompt.getTokens()));
      case CONTENT_NOT_SET -> new Prompt.Absent();
    };
  }

  private io.ballast.inference.api.SamplingOptions sampling(SamplingOptions options) {
    MeshMessages.requirePlain(options, "sampling");
    try {
      return io.ballast.inference.api.SamplingOptions.builder()
          .temperature(options.hasTemperature() ? options.getTemperature() : 1)
          .topK(options.getTopK())
          .topP(options.hasTopP() ? options.getTopP() : 1)
          .maxNewTokens(options.hasMaxNewTokens() ? options.getMaxNewTokens() : DEFAULT_NEW_TOKENS)
          .stopStrings(options.getStopStringsList())
          .seed(options.hasSeed() ? options.getSeed() : seeds.getAsLong())
          .build();
    } catch (IllegalArgumentException e) {
      String[] flaw = String.valueOf(e.getMessage()).split(": ", 2);
      throw Faults.malformed("sampling." + flaw[0], flaw[flaw.length - 1]);
    }
  }
}
