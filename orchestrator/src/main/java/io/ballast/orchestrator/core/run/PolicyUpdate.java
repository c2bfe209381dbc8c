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
import io.ballast.rl.sample.Numbers;
import java.util.ArrayList;
import java.util.Arrays;
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
  /** Takes the updates that {@code spec} asks for. */
  static PolicyUpdate apply(
      Trainee trainee,
      RunSpec spec,
      JudgedRollout rollout,
      Constraints constraints,
      int maxTokensPerPass) {
    List<TrainingGroup> parts =
        rollout.groups().stream()
            .flatMap(group -> passes(group, maxTokensPerPass).stream())
            .toList();
    List<GroupScores> reference = trainee.scores(parts, WhichWeights.REFERENCE);
    double[] kl =
        constraints.method().klInReturn()
            ? sequenceKl(trainee.scores(parts, WhichWeights.CURRENT), reference)
            : new double[rollout.size()];
    List<TrainingGroup> groups = filled(parts, reference, advantages(rollout, constraints, kl));

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
  private static List<TrainingGroup> passes(JudgedGroup group, int maxTokens) {
    List<TrainingGroup> parts = new ArrayList<>();
    List<TrainingCompletion> part = new ArrayList<>();
    int tokens = group.promptTokens().size();
    for (JudgedCompletion completion : group.completions()) {
      TokenIds drawn = completion.completion().tokens();
      if (!part.isEmpty() && tokens + drawn.size() > maxTokens) {
        parts.add(new TrainingGroup(group.promptTokens(), part));
        part = new ArrayList<>();
        tokens = group.promptTokens().size();
      }
      tokens += drawn.size();
      part.add(TrainingCompletion.ofTokens(drawn));
    }
    parts.add(new TrainingGroup(group.promptTokens(), part));
    return parts;
  }

  /** Σₜ (log π − log π_ref) of every completion, group after group, nats. */
  private static double[] sequenceKl(List<GroupScores> current, List<GroupScores> reference) {
    List<PerToken> now = current.stream().flatMap(part -> part.logProbs().stream()).toList();
    List<PerToken> then = reference.stream().flatMap(part -> part.logProbs().stream()).toList();
    double[] kl = new double[now.size()];
    for (int i = 0; i < kl.length; i++) {
      for (int t = 0; t < now.get(i).size(); t++) {
        kl[i] += (double) now.get(i).get(t) - then.get(i).get(t);
      }
    }
    return kl;
  }

  /** Of every completion, group after group. */
  private static double[] advantages(JudgedRollout rollout, Constraints constraints, double[] kl) {
    double[] all = new double[kl.length];
    int from = 0;
    for (JudgedGroup group : rollout.groups()) {
      int size = group.completions().size();
      double[] ofGroup = constraints.advantages(group, Arrays.copyOfRange(kl, from, from + size));
      System.arraycopy(ofGroup, 0, all, from, size);
      from += size;
    }
    return all;
  }

  private static List<TrainingGroup> filled(
      List<TrainingGroup> groups, List<GroupScores> reference, double[] advantages) {
    List<TrainingGroup> filled = new ArrayList<>();
    int next = 0;
    for (int i = 0; i < groups.size(); i++) {
      List<TrainingCompletion> completions = new ArrayList<>();
      for (int g = 0; g < groups.get(i).size(); g++) {
        Numbers none = Numbers.of();
        completions.add(
            new TrainingCompletion(
                groups.get(i).completions().get(g).tokens(),
                Numbers.of(advantages[next++]),
                none,
                numbers(reference.get(i), g),
                none,
                none,
                false));
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
