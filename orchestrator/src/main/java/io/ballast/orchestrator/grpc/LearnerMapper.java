package io.ballast.orchestrator.grpc;

import io.ballast.kit.grpc.MeshMessages;
import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.ForwardWeights;
import io.ballast.learner.v1.NamedObjective;
import io.ballast.learner.v1.OptimizerConfig;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.learner.LossRequest;
import io.ballast.orchestrator.core.learner.ObjectiveKind;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.SampleCommand;
import io.ballast.orchestrator.core.learner.SampleCommand.Prompt;
import io.ballast.orchestrator.core.learner.TrainingCompletion;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.rl.objective.LossAggregation;
import io.ballast.rl.regulariser.KlEstimator;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/** Reads the learner's requests; what is wrong with one is named with its path. */
final class LearnerMapper {
  private static final int DEFAULT_NEW_TOKENS = 24;

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

  static WhichWeights weights(ForwardWeights weights) {
    return switch (weights) {
      case FORWARD_WEIGHTS_UNSPECIFIED, FORWARD_WEIGHTS_CURRENT -> WhichWeights.CURRENT;
      case FORWARD_WEIGHTS_REFERENCE -> WhichWeights.REFERENCE;
      case UNRECOGNIZED ->
          throw Faults.malformed("weights", "unknown (expected: a ForwardWeights)");
    };
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
        completion.getPreferred());
  }

  static LossRequest loss(ForwardBackwardRequest request) {
    return switch (request.getLossCase()) {
      case OBJECTIVE -> new LossRequest.Named(objective(request.getObjective()));
      case CALLER_GRADIENTS -> new LossRequest.CallerGradients();
      case LOSS_NOT_SET ->
          throw Faults.malformed("loss", "not set (expected: objective or caller_gradients)");
    };
  }

  private static io.ballast.orchestrator.core.learner.NamedObjective objective(NamedObjective o) {
    var objective =
        io.ballast.orchestrator.core.learner.NamedObjective.of(kind(o))
            .withAggregation(aggregation(o))
            .withKl(o.getKlCoefficient(), estimator(o))
            .withEntropy(o.getEntropyCoefficient());
    double low = o.hasClipLow() ? o.getClipLow() : objective.clipLow();
    double highIfAbsent = o.hasClipLow() ? low : objective.clipHigh();
    objective = objective.withClip(low, o.hasClipHigh() ? o.getClipHigh() : highIfAbsent);
    return o.hasBeta() ? objective.withBeta(o.getBeta()) : objective;
  }

  private static ObjectiveKind kind(NamedObjective objective) {
    return switch (objective.getKind()) {
      case OBJECTIVE_KIND_POLICY_GRADIENT -> ObjectiveKind.POLICY_GRADIENT;
      case OBJECTIVE_KIND_PPO_CLIP -> ObjectiveKind.PPO_CLIP;
      case OBJECTIVE_KIND_GSPO -> ObjectiveKind.GSPO;
      case OBJECTIVE_KIND_DPO -> ObjectiveKind.DPO;
      case OBJECTIVE_KIND_CROSS_ENTROPY -> ObjectiveKind.CROSS_ENTROPY;
      case OBJECTIVE_KIND_UNSPECIFIED, UNRECOGNIZED ->
          throw Faults.malformed("objective.kind", "not set (expected: an ObjectiveKind)");
    };
  }

  private static LossAggregation aggregation(NamedObjective objective) {
    return switch (objective.getAggregation()) {
      case LOSS_AGGREGATION_TOKEN_MEAN -> LossAggregation.TOKEN_MEAN;
      case LOSS_AGGREGATION_UNSPECIFIED, LOSS_AGGREGATION_SEQUENCE_MEAN_TOKEN_MEAN ->
          LossAggregation.SEQUENCE_MEAN_TOKEN_MEAN;
      case LOSS_AGGREGATION_SEQUENCE_MEAN_TOKEN_SUM -> LossAggregation.SEQUENCE_MEAN_TOKEN_SUM;
      case UNRECOGNIZED ->
          throw Faults.malformed("objective.aggregation", "unknown (expected: a LossAggregation)");
    };
  }

  private static KlEstimator estimator(NamedObjective objective) {
    return switch (objective.getKlEstimator()) {
      case KL_ESTIMATOR_K1 -> KlEstimator.K1;
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
