package io.ballast.orchestrator.core.spec;

import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.learner.AdapterSettings;
import io.ballast.orchestrator.core.learner.CriticSettings;
import io.ballast.orchestrator.core.learner.LearningRateSchedule;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.rl.algorithm.Recipe;
import io.ballast.rl.algorithm.SourceKind;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a run is asked to do, complete: every default is filled in and every range is checked by
 * {@link RunSpecReader}. docs/run-spec.md says what each key means.
 *
 * @param name names the run and its candidate
 * @param policy the version to start from
 * @param iterations the most sample-to-update rounds, ≥ 1
 * @param seed of prompts and samples: the same spec gives the same run
 * @param rollout how to sample
 * @param prompts what to sample from: one source or several
 * @param reward who rewards
 * @param cost who judges harm
 * @param recipe what is learned by
 * @param returnKlCoefficient β of the KL in the return of the constraint's method, ≥ 0; 0 where the
 *     recipe has the KL
 * @param updatesPerIteration optimiser updates on the samples of one iteration, ≥ 1
 * @param minibatches into how many parts each pass over those samples is cut, an update for each, ≥
 *     1; {@code updatesPerIteration} is a multiple of it
 * @param learningRate of each update
 * @param trainee what is trained, and kept beside it
 * @param critic that begins as a reward model on a trunk of its own; null: a critic is a layer on
 *     the policy's trunk, if the recipe has one
 * @param ptx texts that it goes on to model; null: none
 * @param constraints the prices of harm, at least one; all by the same method
 * @param measured harm that is measured only
 * @param budget what it may use up, beside its iterations
 * @param stop when to stop early
 * @param watch over the rewards
 * @param evaluation on prompts that it does not learn from; null: none
 * @param safetyTest what the candidate must pass
 * @param promotion who promotes
 * @param alias what is promoted
 */
public record RunSpec(
    String name,
    VersionSelector policy,
    int iterations,
    long seed,
    RolloutSpec rollout,
    List<DataSource> prompts,
    RewardSpec reward,
    ModelRef cost,
    Recipe recipe,
    double returnKlCoefficient,
    int updatesPerIteration,
    int minibatches,
    LearningRateSchedule learningRate,
    TraineeSpec trainee,
    @Nullable CriticSettings critic,
    @Nullable PtxSpec ptx,
    List<ConstraintSpec> constraints,
    List<MeasuredSpec> measured,
    BudgetSpec budget,
    StopSpec stop,
    WatchSpec watch,
    @Nullable EvaluationSpec evaluation,
    SafetyTestSpec safetyTest,
    PromotionMode promotion,
    String alias) {
  /**
   * Of what holds where a spec says nothing. 1: GRPO with PPO_CLIP, the KL as a term of the loss
   * and λ by steps; 2: those of {@code constraint.method}; 3: the limit of the KL is compared where
   * {@link #measuresKl} says, no longer in every iteration; 4: DAPO samples until its batch is
   * full; 5: PPO-max begins with its critic alone.
   */
  public static final int DEFAULTS_VERSION = 5;

  /** Copies the lists. */
  public RunSpec {
    prompts = List.copyOf(prompts);
    constraints = List.copyOf(constraints);
    measured = List.copyOf(measured);
  }

  /** The key of source {@code index} of {@code prompts}. */
  public String promptsKey(int index) {
    return prompts.size() == 1 ? "prompts" : "prompts[%d]".formatted(index);
  }

  /** Whether it learns from completions that people have labelled, and samples none. */
  public boolean fromData() {
    return recipe.source() == SourceKind.DATA;
  }

  /** Whether it learns from what people say while it learns. */
  public boolean follows() {
    return prompts.stream().anyMatch(source -> source.rows() instanceof PromptSource.Followed);
  }

  /** Whether what {@code sources} hold is labelled; {@link SpecConsistency} asks all to agree. */
  static boolean labelled(List<DataSource> sources) {
    return sources.stream().anyMatch(source -> source.rows().labelled());
  }

  /**
   * How many completions of a prompt the policy in training writes, or the data has; others may be
   * beside them.
   */
  public int policyCompletions() {
    return policyCompletions(recipe.source(), rollout.completionsPerPrompt());
  }

  static int policyCompletions(SourceKind source, int completionsPerPrompt) {
    return switch (source) {
      case POLICY, POLICY_AND_GREEDY, DATA -> completionsPerPrompt;
      case POLICY_AND_REFERENCE -> completionsPerPrompt - completionsPerPrompt / 2;
    };
  }

  /**
   * Whether the KL to the reference is to be known of {@code iteration}, which counts from 1, even
   * if nothing is learned by it: in each where the spec names a limit of it, otherwise in the
   * first, in every so many after, in the last of {@code iterations}, and where gold is read, whose
   * curve is over it.
   */
  public boolean measuresKl(int iteration) {
    GoldSpec gold = watch.gold();
    int every =
        evaluation == null
            ? SpecDefaults.KL_EVERY
            : Math.min(SpecDefaults.KL_EVERY, evaluation.everyIterations());
    return stop.klNamed()
        || (iteration - 1) % every == 0
        || iteration == iterations
        || (gold != null && gold.due(iteration));
  }

  /** When evaluations end its learning; null: never. */
  public @Nullable EarlyStopSpec earlyStop() {
    return evaluation == null ? null : evaluation.earlyStop();
  }

  /** How the policy is trained, and what beside it. */
  public TraineeOptions traineeOptions() {
    TraineeOptions plain = TraineeOptions.of(trainee.optimizer());
    TraineeOptions options =
        critic == null
            ? plain.withCritic(recipe.advantage().critic())
            : plain.withOwnCritic(critic);
    AdapterSettings adapters = trainee.adapters();
    Double decay = trainee.averageDecay();
    TraineeOptions averaged = decay == null ? options : options.withAverage(decay);
    return adapters == null ? averaged : averaged.withAdapters(adapters);
  }

  /** How many completions of the policy an iteration has at most, in all its rounds. */
  public int mostCompletions() {
    return rollout.samplesCount() * recipe.maxRounds();
  }

  /** How harm gets its prices. */
  public ConstraintMethod method() {
    return constraints.getFirst().method();
  }

  /** Whether harm has a price. */
  public boolean constrained() {
    return constraints.stream().anyMatch(ConstraintSpec::enabled);
  }

  /**
   * Takes up that the reward tells no spread.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST, naming the key, if the spec names
   *     a limit of it: nothing would ever be compared with that limit
   */
  public void requireNoSpreadLimit() {
    requireAbsent("stop.spread_growth", stop.spread());
    requireAbsent("watch.max_spread_growth", watch.spread());
  }

  private void requireAbsent(String key, SpreadLimit limit) {
    if (limit.named()) {
      throw Faults.malformed(
          key,
          "%s (expected: absent; %s tells no spread of members)"
              .formatted(limit.growth(), reward.model()));
    }
  }
}
