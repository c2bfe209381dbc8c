package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.NamedLoss;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TrainingCompletion;
import io.ballast.orchestrator.core.learner.TrainingGroup;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.rl.advantage.GroupAdvantages;
import io.ballast.rl.sample.Numbers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The updates of one iteration. Log-probabilities of the behaviour policy are the learner's own,
 * from its first pass, so that the first ratio is exactly 1 whatever arithmetic serves.
 *
 * @param loss at the first update
 * @param gradientNorm at the first update, before clipping
 * @param klNats of a completion, before the first update
 * @param entropyNats of a token, before the first update
 * @param trainServeGapNats mean absolute difference of a token's log-probability, learner's less
 *     server's
 */
record PolicyUpdate(
    double loss, double gradientNorm, double klNats, double entropyNats, double trainServeGapNats) {
  private static final double ADVANTAGE_EPSILON = 1e-6;

  /** Takes the updates that {@code spec} asks for. */
  static PolicyUpdate apply(
      Trainee trainee,
      RunSpec spec,
      JudgedRollout rollout,
      Constraint constraint,
      int maxTokensPerPass) {
    List<TrainingGroup> groups = new ArrayList<>();
    for (JudgedGroup group : rollout.groups()) {
      double[] advantages =
          GroupAdvantages.estimate(
              spec.advantage().estimator(), group.numbers(constraint::returnOf), ADVANTAGE_EPSILON);
      groups.addAll(passes(group, advantages, maxTokensPerPass));
    }
    groups = withReference(groups, trainee.scores(groups, WhichWeights.REFERENCE));

    NamedLoss first = new NamedLoss(spec.objective(), groups);
    List<GroupScores> behaviour = trainee.forwardBackward(groups, first);
    double norm = trainee.step(spec.learningRate());
    for (int update = 1; update < spec.updatesPerIteration(); update++) {
      List<TrainingGroup> next = withBehaviour(groups, behaviour);
      var unused = trainee.forwardBackward(next, new NamedLoss(spec.objective(), next));
      var norms = trainee.step(spec.learningRate());
    }
    Map<String, Double> metrics = first.metrics();
    return new PolicyUpdate(
        first.value(),
        norm,
        metrics.getOrDefault("kl_nats", 0.0),
        metrics.getOrDefault("entropy_nats", 0.0),
        gap(rollout, behaviour));
  }

  /**
   * The completions of a group in parts of at most {@code maxTokens} tokens, prompt included, or of
   * one completion: the memory of a pass is bounded. Every mean of the loss is over all parts.
   */
  private static List<TrainingGroup> passes(JudgedGroup group, double[] advantages, int maxTokens) {
    List<TrainingGroup> parts = new ArrayList<>();
    List<TrainingCompletion> part = new ArrayList<>();
    int tokens = group.promptTokens().size();
    for (int g = 0; g < advantages.length; g++) {
      TokenIds drawn = group.completions().get(g).completion().tokens();
      if (!part.isEmpty() && tokens + drawn.size() > maxTokens) {
        parts.add(new TrainingGroup(group.promptTokens(), part));
        part = new ArrayList<>();
        tokens = group.promptTokens().size();
      }
      tokens += drawn.size();
      Numbers none = Numbers.of();
      part.add(
          new TrainingCompletion(drawn, Numbers.of(advantages[g]), none, none, none, none, false));
    }
    parts.add(new TrainingGroup(group.promptTokens(), part));
    return parts;
  }

  private static List<TrainingGroup> withReference(
      List<TrainingGroup> groups, List<GroupScores> scores) {
    List<TrainingGroup> filled = new ArrayList<>();
    for (int i = 0; i < groups.size(); i++) {
      List<TrainingCompletion> completions = new ArrayList<>();
      for (int g = 0; g < groups.get(i).size(); g++) {
        completions.add(
            groups.get(i).completions().get(g).withReference(numbers(scores.get(i), g)));
      }
      filled.add(new TrainingGroup(groups.get(i).prompt(), completions));
    }
    return filled;
  }

  private static List<TrainingGroup> withBehaviour(
      List<TrainingGroup> groups, List<GroupScores> scores) {
    List<TrainingGroup> filled = new ArrayList<>();
    for (int i = 0; i < groups.size(); i++) {
      List<TrainingCompletion> completions = new ArrayList<>();
      for (int g = 0; g < groups.get(i).size(); g++) {
        TrainingCompletion completion = groups.get(i).completions().get(g);
        completions.add(
            new TrainingCompletion(
                completion.tokens(),
                completion.advantages(),
                numbers(scores.get(i), g),
                completion.referenceLogProbs(),
                completion.logProbGradients(),
                completion.entropyGradients(),
                completion.preferred()));
      }
      filled.add(new TrainingGroup(groups.get(i).prompt(), completions));
    }
    return filled;
  }

  private static Numbers numbers(GroupScores scores, int completion) {
    PerToken logProbs = scores.logProbs().get(completion);
    double[] numbers = new double[logProbs.size()];
    for (int t = 0; t < numbers.length; t++) {
      numbers[t] = logProbs.get(t);
    }
    return Numbers.of(numbers);
  }

  private static double gap(JudgedRollout rollout, List<GroupScores> scores) {
    List<PerToken> learned = scores.stream().flatMap(group -> group.logProbs().stream()).toList();
    List<SampledCompletion> served =
        rollout.completions().map(JudgedCompletion::completion).toList();
    double sum = 0;
    long tokens = 0;
    for (int i = 0; i < served.size(); i++) {
      PerToken logProbs = served.get(i).logProbs();
      for (int t = 0; t < logProbs.size(); t++) {
        sum += Math.abs(learned.get(i).get(t) - logProbs.get(t));
        tokens++;
      }
    }
    return sum / tokens;
  }
}
