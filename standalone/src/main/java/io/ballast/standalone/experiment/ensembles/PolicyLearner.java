package io.ballast.standalone.experiment.ensembles;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.ModelStore.StoredModel;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.CompletionGroup;
import io.ballast.inference.torch.FrozenDecoder;
import io.ballast.inference.torch.GroupScores;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TokenGradients;
import io.ballast.inference.torch.TorchDecoder;
import io.ballast.inference.torch.TrainableDecoder;
import io.ballast.inference.torch.WeightsSnapshot;
import io.ballast.rl.advantage.GroupAdvantages;
import io.ballast.rl.objective.Aggregation;
import io.ballast.rl.objective.ObjectiveResult;
import io.ballast.rl.objective.PolicyGradient;
import io.ballast.rl.regulariser.KlEstimator;
import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.PerTokenName;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.stats.Moments;
import io.ballast.workshop.programmer.Position;
import io.ballast.workshop.programmer.SimulatedProgrammer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Optimises the decoder against an ensemble that is asked over gRPC: sample → Score → advantages →
 * policy gradient → AdamW, one update an iteration, no KL penalty. That is PPO with one update a
 * rollout, where every ratio is 1 and nothing is clipped. One thread.
 *
 * <p>It is smaller than the orchestrator's run: the same sampling, learner, advantages and reward
 * calls, without versions of iterates, costs, safety test and database, which forty runs in minutes
 * do not afford.
 */
final class PolicyLearner {
  private static final OptimizerOptions OPTIMIZER = new OptimizerOptions(0.9, 0.95, 1e-8, 0, 1);
  private static final double ADVANTAGE_EPSILON = 1e-6;

  private final StoredModel trunk;
  private final EnsemblesPlan plan;
  private final List<Position> positions;

  /**
   * A learner.
   *
   * @param trunk where every run starts
   * @param positions whose prompts are learned on
   */
  PolicyLearner(StoredModel trunk, EnsemblesPlan plan, List<Position> positions) {
    this.trunk = trunk;
    this.plan = plan;
    this.positions = List.copyOf(positions);
  }

  /** Weights in training, where they began, and what draws from them. */
  private record Policy(
      TrainableDecoder trained,
      FrozenDecoder initial,
      HuggingFaceTokenizerAdapter tokenizer,
      TorchDecoder engine)
      implements AutoCloseable {
    static Policy load(StoredModel trunk) {
      Arithmetic arithmetic = Arithmetic.quickest();
      TrainableDecoder trained = TrainableDecoder.load(trunk.folder(), arithmetic, OPTIMIZER);
      HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(trunk.folder());
      try (WeightsSnapshot weights = trained.snapshot()) {
        return new Policy(
            trained,
            FrozenDecoder.load(trunk.folder(), arithmetic),
            tokenizer,
            TorchDecoder.of(weights, tokenizer, ServingOptions.defaults()));
      }
    }

    @Override
    public void close() {
      engine.close();
      initial.close();
      trained.close();
      tokenizer.close();
    }
  }

  /** A prompt's completions with what was said of them. */
  private record Judged(CompletionGroup tokens, List<Rewards.Reward> rewards, List<Double> gold) {
    double[] values() {
      return rewards.stream().mapToDouble(Rewards.Reward::value).toArray();
    }
  }

  /** What an iteration learns from, and how many completions it does not. */
  private record Judgements(List<Judged> groups, int unscored, int alone) {}

  /**
   * Runs from the first weights.
   *
   * @param seed of what is drawn
   * @param progress told after each iteration
   */
  List<PolicyIteration> run(int seed, Rewards rewards, Runnable progress) {
    List<PolicyIteration> iterations = new ArrayList<>();
    try (Policy policy = Policy.load(trunk)) {
      for (int iteration = 0; iteration < plan.iterations(); iteration++) {
        iterations.add(update(policy, judge(sample(policy, seed, iteration), rewards)));
        progress.run();
      }
    }
    return iterations;
  }

  /** The same seeds for all aggregates, so that their first draws are the same. */
  private List<List<Generation>> sample(Policy policy, int seed, int iteration) {
    List<List<GenerationHandle>> underWay = new ArrayList<>();
    for (int p = 0; p < positions.size(); p++) {
      long draw = (seed + 1) * 1_000_003L + iteration * 1_009L + p;
      underWay.add(
          policy.engine().generate(PoolDrawer.request(positions.get(p), draw), plan.completions()));
    }
    return underWay.stream()
        .map(handles -> handles.stream().map(handle -> handle.result().join()).toList())
        .toList();
  }

  /** Leaves out and counts what has no reward, and groups of which fewer than two are left. */
  private Judgements judge(List<List<Generation>> drawn, Rewards oracle) {
    List<Rewards.Item> items = new ArrayList<>();
    for (List<Generation> group : drawn) {
      for (Generation generation : group) {
        items.add(new Rewards.Item(generation.promptTokens(), generation.tokens()));
      }
    }
    List<Optional<Rewards.Reward>> rewards = oracle.of(items);
    List<Judged> judged = new ArrayList<>();
    int item = 0;
    int alone = 0;
    for (int p = 0; p < drawn.size(); p++) {
      List<TokenIds> completions = new ArrayList<>();
      List<Rewards.Reward> own = new ArrayList<>();
      List<Double> gold = new ArrayList<>();
      for (Generation generation : drawn.get(p)) {
        Optional<Rewards.Reward> reward = rewards.get(item++);
        if (reward.isPresent()) {
          completions.add(generation.tokens());
          own.add(reward.orElseThrow());
          gold.add(
              (double)
                  SimulatedProgrammer.judge(positions.get(p), generation.text()).charactersKept());
        }
      }
      if (completions.size() >= 2) {
        judged.add(
            new Judged(
                new CompletionGroup(drawn.get(p).getFirst().promptTokens(), completions),
                own,
                gold));
      } else {
        alone += completions.size();
      }
    }
    if (judged.isEmpty()) {
      throw new IllegalStateException("no prompt of an iteration has two completions with rewards");
    }
    int unscored = (int) rewards.stream().filter(Optional::isEmpty).count();
    return new Judgements(judged, unscored, alone);
  }

  private PolicyIteration update(Policy policy, Judgements judgements) {
    List<Judged> groups = judgements.groups();
    List<CompletionGroup> tokens = groups.stream().map(Judged::tokens).toList();
    List<GroupScores> initial = policy.initial().scores(tokens);
    double all = tokens.stream().mapToDouble(PolicyLearner::tokens).sum();
    List<double[]> advantages =
        groups.stream()
            .map(group -> GroupAdvantages.standardized(group.values(), ADVANTAGE_EPSILON))
            .toList();
    List<GroupScores> current =
        policy
            .trained()
            .forwardBackward(
                tokens,
                (index, scores) ->
                    gradients(
                        tokens.get(index),
                        scores,
                        advantages.get(index),
                        tokens(tokens.get(index)) / all));
    var unused = policy.trained().optimizerStep(plan.learningRate());
    try (WeightsSnapshot weights = policy.trained().snapshot()) {
      policy.engine().replaceWeights(weights);
    }
    return measured(judgements, current, initial);
  }

  private static double tokens(CompletionGroup group) {
    return group.completions().stream().mapToInt(TokenIds::size).sum();
  }

  /** The gradient of the mean over all tokens, of which this group has a share. */
  private static TokenGradients gradients(
      CompletionGroup group, GroupScores scores, double[] advantages, double share) {
    List<Sample> samples = new ArrayList<>();
    for (int g = 0; g < group.size(); g++) {
      samples.add(
          Sample.rollout(io.ballast.rl.sample.TokenIds.of(group.completions().get(g).toArray()))
              .with(PerTokenName.CURRENT_LOG_PROB, doubles(scores.logProbs().get(g))));
    }
    ObjectiveResult result =
        new PolicyGradient(Aggregation.tokenMean())
            .evaluate(Batch.of(new Group("", samples).withAdvantages(advantages)));
    return TokenGradients.ofLogProbs(
        result.gradients().stream()
            .map(
                gradient -> {
                  float[] values = new float[gradient.size()];
                  for (int t = 0; t < values.length; t++) {
                    values[t] = (float) (share * gradient.logProbs().get(t));
                  }
                  return PerToken.of(values);
                })
            .toList());
  }

  private static double[] doubles(PerToken values) {
    double[] doubles = new double[values.size()];
    for (int t = 0; t < doubles.length; t++) {
      doubles[t] = values.get(t);
    }
    return doubles;
  }

  private static PolicyIteration measured(
      Judgements judgements, List<GroupScores> current, List<GroupScores> initial) {
    List<Judged> groups = judgements.groups();
    double kl = 0;
    double gold = 0;
    double proxy = 0;
    double variance = 0;
    int count = 0;
    for (int g = 0; g < groups.size(); g++) {
      Judged group = groups.get(g);
      for (int i = 0; i < group.rewards().size(); i++) {
        PerToken now = current.get(g).logProbs().get(i);
        PerToken then = initial.get(g).logProbs().get(i);
        for (int t = 0; t < now.size(); t++) {
          kl += KlEstimator.K1.estimate(now.get(t) - then.get(t));
        }
        gold += group.gold().get(i);
        proxy += group.rewards().get(i).value();
        variance +=
            Moments.populationVariance(
                group.rewards().get(i).members().stream()
                    .mapToDouble(Double::doubleValue)
                    .toArray());
        count++;
      }
    }
    return new PolicyIteration(
        kl / count,
        gold / count,
        proxy / count,
        variance / count,
        judgements.unscored(),
        judgements.alone());
  }
}
